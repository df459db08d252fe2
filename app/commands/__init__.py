"""Commands of the command line that are more than a call: one module for each group."""
