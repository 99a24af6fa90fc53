"""Widgets that several screens share and that know nothing of clusters."""
