"""The HTTP API: takes questions, shows runs, serves the documents that answers cite."""
