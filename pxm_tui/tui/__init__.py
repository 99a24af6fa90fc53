"""The terminal UI, a face: the app, its screens and widgets. It speaks to services only and decides nothing."""
