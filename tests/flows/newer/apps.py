"""Replaces the flow of a booking: the card is asked after the partners, and the traveller greeted at the end."""

from importlib import import_module

from django.apps import AppConfig


class NewerConfig(AppConfig):
    """The later release."""

    name = "tests.flows.newer"

    def ready(self) -> None:
        """Declare the new table once the old one is there, and start new bookings on it."""
        import_module("booking.confirmation").CONFIRM_RESERVATION = import_module(
            "tests.flows.newer.sagas"
        ).CONFIRM_RESERVATION
