"""The Django app of the Reservation service."""

from django.apps import AppConfig


class ReservationConfig(AppConfig):
    """Group the service's models under the context in the admin."""

    name = "reservation"
    verbose_name = "Booking: reservation"
