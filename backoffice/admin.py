"""The audit log in the web admin, and the first page."""

from django.contrib import admin

from backoffice.models import AuditEntry
from backoffice.pages import LookOnlyPage

admin.site.index_template = "backoffice/home.html"
admin.site.index_title = "Today"


@admin.register(AuditEntry)
class AuditEntryAdmin(LookOnlyPage):
    """Who did what, and why; newest first."""

    list_display = ("at", "actor", "action", "target", "reason")
    list_filter = ("action",)
    search_fields = ("actor", "target", "=request_id")
    ordering = ("-at", "-id")
    date_hierarchy = "at"
