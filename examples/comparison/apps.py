"""The app of the comparison."""

from importlib import import_module

from django.apps import AppConfig, apps


class ComparisonConfig(AppConfig):
    """Lets the bus find the losing listeners, where Booking is installed."""

    name = "examples.comparison"

    def ready(self) -> None:
        """Declare the events and handlers."""
        if apps.is_installed("booking"):
            import_module("examples.comparison.choreographed")
