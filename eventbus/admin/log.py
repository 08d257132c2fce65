"""The log of record in the web admin: each event with the tree of reactions, and the catalogue of all."""

import json
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from backoffice.pages import LookOnlyPage
from eventbus import catalogue, log, trace
from eventbus.models import OutboxEntry


@admin.register(OutboxEntry)
class OutboxEntryAdmin(LookOnlyPage):
    """The log of record, personal fields masked."""

    list_display = ("type", "key", "stream", "position", "occurred_at", "correlation_id")
    list_filter = ("stream", "type")
    search_fields = ("=event_id", "=key", "=correlation_id")
    ordering = ("-id",)
    exclude = ("data",)
    readonly_fields = ("masked_data",)
    change_form_outer_before_template = "eventbus/admin/reactions.html"
    list_before_template = "eventbus/admin/log_links.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the page of all kinds of events, and the page of all events under a key."""
        view = self.admin_site.admin_view
        pages = [
            path("catalogue/", view(self.catalogue), name="eventbus_catalogue"),
            path("about/<str:key>/", view(self.about), name="eventbus_about"),
        ]
        return [*pages, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show an event with everything that came of it."""
        entry = self.get_object(request, object_id)
        found = isinstance(entry, OutboxEntry) and self.has_view_permission(request)
        trees = [trace.reaction_tree(event_id=entry.event_id)] if entry and found else []
        answer: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "trees": trees}
        )
        return answer

    def catalogue(self, request: HttpRequest) -> HttpResponse:
        """Show every kind of event with its listeners, as the code has them."""
        return self._page(
            request, "catalogue", "Who publishes what, and who reacts", entries=catalogue.collect()
        )

    def about(self, request: HttpRequest, key: str) -> HttpResponse:
        """Show what was published under a key, and what came of it."""
        return self._page(request, "about", f"Events about {key}", trees=trace.trees_about(key=key))

    def _page(self, request: HttpRequest, name: str, title: str, **facts: Any) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            **facts,
            "title": title,
            "opts": self.opts,
        }
        return TemplateResponse(request, f"eventbus/admin/{name}.html", context)

    @admin.display(description="data")
    def masked_data(self, entry: OutboxEntry) -> str:
        """Return the event's fields as JSON, personal ones masked."""
        return json.dumps(
            log.masked(wire_name=entry.type, data=entry.data), ensure_ascii=False, indent=2
        )
