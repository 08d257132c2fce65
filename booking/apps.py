"""The Django app of Booking."""

from importlib import import_module

from django.apps import AppConfig


class BookingConfig(AppConfig):
    """The context that sells trips."""

    name = "booking"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Declare the flows, so that every process can run a live saga."""
        import_module("booking.sagas")
