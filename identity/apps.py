"""The Django app of Identity."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    """Who may sign in."""

    name = "identity"
    default_auto_field = "django.db.models.BigAutoField"
