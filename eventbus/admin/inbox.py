"""What became of each event at each handler; dead ones are retried or skipped, with a reason."""

from collections.abc import Mapping
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from backoffice.deeds import Deed, DoesDeeds
from backoffice.pages import LookOnlyPage
from eventbus import deadletters
from eventbus.models import InboxEntry


def _retry(entry: InboxEntry, actor: str, said: Mapping[str, Any]) -> str:
    settled = deadletters.retry(entry_id=entry.pk, actor=actor, reason=said["reason"])
    return f"{settled.handler}: tries again."


def _skip(entry: InboxEntry, actor: str, said: Mapping[str, Any]) -> str:
    settled = deadletters.skip(entry_id=entry.pk, actor=actor, reason=said["reason"])
    return f"{settled.handler}: skipped."


RETRY: Final = Deed(
    name="retry",
    title="Try again",
    explains="The handler is given the event once more, from its first attempt on. When it succeeds, what is"
    " parked behind it follows in order.",
    act=_retry,
    refusals=(deadletters.NotSettled,),
)
SKIP: Final = Deed(
    name="skip",
    title="Skip",
    explains="The handler never gets this event, and whatever it would have done is not done. What is parked"
    " behind it follows.",
    act=_skip,
    refusals=(deadletters.NotSettled,),
    danger=True,
)


@admin.register(InboxEntry)
class InboxEntryAdmin(DoesDeeds, LookOnlyPage):
    """What became of each event at each handler."""

    list_display = (
        "type",
        "handler",
        "status",
        "attempts",
        "key",
        "stream",
        "position",
        "received_at",
    )
    list_filter = ("status", "group", "type")
    search_fields = ("=event_id", "=key")
    ordering = ("-id",)
    exclude = ("error",)
    actions = ("retry", "skip")
    change_form_outer_before_template = "eventbus/admin/settle.html"

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show an entry with what can be done about it, and what is parked behind it."""
        entry = self.get_object(request, object_id)
        facts = self._facts(request, entry) if isinstance(entry, InboxEntry) else {}
        answer: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **facts}
        )
        return answer

    def _facts(self, request: HttpRequest, entry: InboxEntry) -> dict[str, Any]:
        settleable = entry.status in deadletters.SETTLED_BY_HAND
        behind = InboxEntry.objects.filter(
            group=entry.group, stream=entry.stream, key=entry.key, position__gt=entry.position
        )
        parked = behind.filter(status=InboxEntry.Status.PARKED).order_by("position", "id")
        return {
            "entry": entry,
            "parked": parked[:50] if settleable else (),
            "buttons": [RETRY, SKIP] if settleable and self.has_settle_permission(request) else [],
            "pk": entry.pk,
            "changelist": reverse("admin:eventbus_inboxentry_changelist"),
            "here": request.path,
        }

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Ask for the right to change inbox entries, though no form changes one."""
        return request.user.has_perm("eventbus.change_inboxentry")

    @admin.action(description="Try again", permissions=["settle"])
    def retry(self, request: HttpRequest, entries: QuerySet[InboxEntry]) -> HttpResponse:
        """Let the handlers try again."""
        return self.ask_and_do(request, entries.order_by("position", "id"), RETRY)

    @admin.action(description="Skip", permissions=["settle"])
    def skip(self, request: HttpRequest, entries: QuerySet[InboxEntry]) -> HttpResponse:
        """Go on without the effect of these events."""
        return self.ask_and_do(request, entries.order_by("position", "id"), SKIP)
