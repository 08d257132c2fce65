"""Ladder: from a naive chain to the saga table, each rung because a test of the one before fails."""
