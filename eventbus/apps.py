"""The event bus as a Django app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from eventbus import crashpoints


class EventbusConfig(AppConfig):
    """Finds the events and handlers of the installed apps and becomes the signal's only receiver."""

    name = "eventbus"
    verbose_name = "Event bus"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the outbox, register the checks and import every app's `events` and `handlers`."""
        # Models exist only now, so these modules cannot be imported at the top.
        import_module("eventbus.outbox")
        import_module("eventbus.checks")
        crashpoints.arm()
        autodiscover_modules("events", "handlers")
