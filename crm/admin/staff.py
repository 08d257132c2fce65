"""Providers and who works for them: operators decide."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from backoffice.pages import Page
from crm import models
from crm.admin.desks import Desk


@admin.register(models.Provider)
class ProviderAdmin(Desk):
    """The tenants; a new one is a partner that was added in Booking."""

    path_to_provider = "pk"
    list_display = ("name", "kind", "slug")


@admin.register(models.Membership)
class MembershipAdmin(Desk):
    """Who works for which provider, and in which role."""

    list_display = ("user", "provider", "role")
    list_filter = ("role", "provider")
    list_select_related = ("user", "provider")
    search_fields = ("user__email", "provider__name")
    autocomplete_fields = ("user",)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let those add whose role allows it."""
        return bool(Page.has_add_permission(self, request))

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let those change whose role allows it."""
        return bool(Page.has_change_permission(self, request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let those delete whose role allows it."""
        return bool(Page.has_delete_permission(self, request, obj))
