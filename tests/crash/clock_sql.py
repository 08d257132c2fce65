"""The clock of the harness, in the database: see clock.py. Needs no Django."""

from typing import Final

FUNCTION: Final = """
CREATE SEQUENCE IF NOT EXISTS crash_clock;
CREATE OR REPLACE FUNCTION booking_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT timestamptz '2026-01-01 00:00+00' + last_value * interval '1 millisecond' FROM crash_clock
$$;
"""
"""A sequence is not transactional: all sessions see the same time, and a killed one leaves it behind."""
