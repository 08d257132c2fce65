"""The CRM app."""

from django.apps import AppConfig


class CrmConfig(AppConfig):
    """CRM: profiles, relationships, preferences and messages, for the staff of providers."""

    name = "crm"
    verbose_name = "CRM"
    default_auto_field = "django.db.models.BigAutoField"
