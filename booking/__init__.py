"""Booking: the context that sells trips. Start with sagas.py."""
