"""Loyalty: gives travellers points for confirmed trips. A context made up for one test."""
