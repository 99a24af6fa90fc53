"""One module a subcommand, imported only when it runs. Each has `run(arguments) -> int`, the exit status."""
