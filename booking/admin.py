"""Travellers in the back office: looked at, never changed here."""

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from booking.models import Account


@admin.register(Account)
class AccountAdmin(ModelAdmin):  # type: ignore[misc]
    """Who travels."""

    list_display = ("full_name", "user", "locale", "created_at")
    list_select_related = ("user",)
    search_fields = ("full_name", "user__email", "id")
    readonly_fields = ("id", "user", "full_name", "locale", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Leave signing up to travellers."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Leave an account to its traveller."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Keep accounts: trips refer to them."""
        return False
