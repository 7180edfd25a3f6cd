"""The verbs of the command line, one module each group: `verb(args) -> exit code`, at once or as a coroutine."""
