"""Reservations in the web admin: to look at, never to edit."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from reservation.models import Item, Reservation, Traveller


class LookOnly:
    """Refuse every change: the service's door is the only way in."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


class ItemInline(LookOnly, TabularInline):  # type: ignore[misc]
    """The items of a reservation."""

    model = Item
    extra = 0
    fields = ("position", "kind", "title", "amount", "currency", "starts_at_local", "starts_zone")


class TravellerInline(LookOnly, TabularInline):  # type: ignore[misc]
    """The travellers of a reservation."""

    model = Traveller
    extra = 0
    fields = ("position", "given_name", "family_name", "kind")


@admin.register(Reservation)
class ReservationAdmin(LookOnly, ModelAdmin):  # type: ignore[misc]
    """Reservations, newest first."""

    list_display = ("id", "status", "amount", "currency", "created_at", "failure_reason")
    list_filter = ("status", "currency")
    search_fields = ("id", "account_id")
    ordering = ("-created_at",)
    inlines = (ItemInline, TravellerInline)
