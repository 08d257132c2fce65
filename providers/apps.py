"""The Django app of the Providers service."""

from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    """Group the service's models under the context in the admin."""

    name = "providers"
    verbose_name = "Booking: providers"
