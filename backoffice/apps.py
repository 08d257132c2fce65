"""The back office as a Django app."""

from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class BackofficeConfig(AppConfig):
    """The frame of the web admin."""

    name = "backoffice"
    verbose_name = "Back office"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Write down who signs in, and give the roles their permissions after each `migrate`."""
        # Models exist only now, so these modules cannot be imported at the top.
        import_module("backoffice.signing")
        roles = import_module("backoffice.roles")
        post_migrate.connect(roles.after_migrate, dispatch_uid="backoffice.roles")
