"""Outbound: how a service calls the outside world; what a call is, its key, its deadline. Knows nobody."""
