"""Run a saga in memory: the engine's own code over rows in a dictionary and an imagined outside world.

No database, no broker, no threads, no clock: what a saga would do, in milliseconds, always the same.
"""
