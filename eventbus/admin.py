"""The bus in the web admin: read only, but for settling what waits for a person."""

import json
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import ActionForm

from eventbus import deadletters, log
from eventbus.models import Cursor, Heartbeat, InboxEntry, OutboxEntry, Stream


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Rows that only the bus itself writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: only the bus writes."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: only the bus writes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: the log and what became of it are kept."""
        return False


@admin.register(OutboxEntry)
class OutboxEntryAdmin(ReadOnlyAdmin):
    """The log of record, personal fields masked."""

    list_display = ["type", "key", "stream", "position", "occurred_at", "correlation_id"]
    list_filter = ["stream", "type"]
    search_fields = ["=event_id", "=key", "=correlation_id"]
    ordering = ["-id"]
    show_full_result_count = False
    exclude = ["data"]
    readonly_fields = ["masked_data"]

    @admin.display(description="data")
    def masked_data(self, entry: OutboxEntry) -> str:
        """Return the event's fields as JSON, personal ones masked."""
        return json.dumps(
            log.masked(wire_name=entry.type, data=entry.data), ensure_ascii=False, indent=2
        )


class SettlementForm(ActionForm):  # type: ignore[misc]  # unfold has no types
    """An action together with the reason for it."""

    reason = forms.CharField(required=False, max_length=500, label="Reason")


@admin.register(InboxEntry)
class InboxEntryAdmin(ReadOnlyAdmin):
    """What became of each event at each handler."""

    list_display = [
        "type",
        "handler",
        "status",
        "attempts",
        "key",
        "stream",
        "position",
        "received_at",
    ]
    list_filter = ["status", "group", "type"]
    search_fields = ["=event_id", "=key"]
    ordering = ["-id"]
    show_full_result_count = False
    action_form = SettlementForm
    actions = ["retry", "skip"]

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Ask for the right to change inbox entries, though no form changes one."""
        return request.user.has_perm("eventbus.change_inboxentry")

    @admin.action(description="Retry the selected dead entries", permissions=["settle"])
    def retry(self, request: HttpRequest, entries: QuerySet[InboxEntry]) -> None:
        """Let the handlers try again."""
        self._settle(request, entries, deadletters.retry)

    @admin.action(description="Skip the selected dead entries", permissions=["settle"])
    def skip(self, request: HttpRequest, entries: QuerySet[InboxEntry]) -> None:
        """Go on without the effect of these events."""
        self._settle(request, entries, deadletters.skip)

    def _settle(
        self,
        request: HttpRequest,
        entries: QuerySet[InboxEntry],
        settle: Callable[..., InboxEntry],
    ) -> None:
        actor, reason = str(request.user), request.POST.get("reason", "")
        for entry in entries.order_by("position", "id"):
            try:
                settled = settle(entry_id=entry.pk, actor=actor, reason=reason)
            except deadletters.NotSettled as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.message_user(
                    request, f"{settled.handler}: {settled.status}.", messages.SUCCESS
                )


@admin.register(Stream)
class StreamAdmin(ReadOnlyAdmin):
    """How far each stream is."""

    list_display = ["name", "head", "published", "pruned", "epoch"]


@admin.register(Cursor)
class CursorAdmin(ReadOnlyAdmin):
    """How far each group is."""

    list_display = ["group", "stream", "position", "paused", "updated_at"]


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    """Which workers are alive."""

    list_display = ["name", "kind", "beat_at", "info"]
    fields: Any = ["name", "kind", "beat_at", "info"]
