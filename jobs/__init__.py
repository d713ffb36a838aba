"""The job process and the command line: find work, call core, log one line."""
