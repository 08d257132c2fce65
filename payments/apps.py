"""The Django app of the Payments service."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Group the service's models under the context in the admin."""

    name = "payments"
    verbose_name = "Booking: payments"
