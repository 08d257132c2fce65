"""Pages of the web admin: what they share, and those that are only to be looked at."""

from typing import Any

from django.contrib.admin.models import LogEntry
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from backoffice import audit


class Page(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """A page whose every change is a line of the audit log."""

    show_full_result_count = False
    change_list_template = "backoffice/change_list.html"

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        """Note who added it."""
        audit.note(request, "added", target=_named(obj))
        entry: LogEntry = super().log_addition(request, obj, message)
        return entry

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        """Note who changed it, and which fields."""
        audit.note(request, "changed", target=_named(obj), what=message)
        entry: LogEntry = super().log_change(request, obj, message)
        return entry

    def log_deletions(self, request: HttpRequest, queryset: Any) -> list[LogEntry]:
        """Note who deleted them."""
        for row in queryset:
            audit.note(request, "deleted", target=_named(row))
        entries: list[LogEntry] = super().log_deletions(request, queryset)
        return entries


class LookOnly:
    """Refuse every change: rows that only commands write."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


class LookOnlyPage(LookOnly, Page):
    """A page on which nothing is edited; what can be done there are deeds."""


def _named(row: Model) -> str:
    return f"{row._meta.verbose_name} {row.pk}: {row}"
