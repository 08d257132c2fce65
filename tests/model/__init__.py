"""The engine's algorithm as an executable model: what `decide` decides, tried at every crash point.

The decisions are the real ones (`booking.orchestrator.decide`, `shape`). What surrounds them (claim,
record, move; partners, processor, network, clock) is an in-memory likeness in which every step that can
be interrupted is a `yield`. `python -m tests.model` runs all configurations; it needs no server.
"""
