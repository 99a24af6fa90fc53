"""The command line, a face: it parses, asks, and prints; what it does is done by the services.

Importing a module of this package is cheap; a subcommand imports what it needs when it runs.
"""
