"""The command line: a table of commands, and the only place that prints."""
