"""Booking in the back office: one page for each reservation, its flows and what they wait for, the books, the travellers."""

from booking.admin import accounts, books, home, sagas

__all__ = ["accounts", "books", "home", "sagas"]
