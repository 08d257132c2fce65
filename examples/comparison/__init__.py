"""Comparison: both losers of the rule, on the project's own pieces (`make compare`)."""
