"""Reservations in the web admin: to look at, never to edit."""

from django.contrib import admin
from unfold.admin import TabularInline

from backoffice.pages import LookOnly, LookOnlyPage
from reservation.models import Item, Reservation, Traveller


class ItemInline(LookOnly, TabularInline):  # type: ignore[misc]  # unfold has no types
    """The items of a reservation."""

    model = Item
    extra = 0
    fields = ("position", "kind", "title", "amount", "currency", "starts_at_local", "starts_zone")


class TravellerInline(LookOnly, TabularInline):  # type: ignore[misc]  # unfold has no types
    """The travellers of a reservation."""

    model = Traveller
    extra = 0
    fields = ("position", "given_name", "family_name", "kind")


@admin.register(Reservation)
class ReservationAdmin(LookOnlyPage):
    """Reservations, newest first."""

    list_display = ("id", "status", "amount", "currency", "created_at", "failure_reason")
    list_filter = ("status", "currency")
    search_fields = ("id", "account_id")
    ordering = ("-created_at",)
    inlines = (ItemInline, TravellerInline)
