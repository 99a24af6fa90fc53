"""The command line, a face: arguments in, tables or JSON out. It imports what a subcommand needs when it runs."""
