"""Chaos: real processes, killed and robbed of what they hold, and what must be true afterwards."""
