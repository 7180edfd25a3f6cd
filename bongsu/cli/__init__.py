"""The edge: one file per verb, each with NAME, HELP, EXAMPLES, configure(parser) and run(args, out, err)."""
