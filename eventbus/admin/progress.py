"""How far streams and groups are, and who is alive, in the web admin."""

from django.contrib import admin

from backoffice.pages import LookOnlyPage
from eventbus.models import Cursor, Heartbeat, Stream


@admin.register(Stream)
class StreamAdmin(LookOnlyPage):
    """How far each stream is."""

    list_display = ("name", "head", "published", "pruned", "epoch")


@admin.register(Cursor)
class CursorAdmin(LookOnlyPage):
    """How far each group is."""

    list_display = ("group", "stream", "position", "paused", "updated_at")


@admin.register(Heartbeat)
class HeartbeatAdmin(LookOnlyPage):
    """Which workers are alive."""

    list_display = ("name", "kind", "beat_at", "info")
    fields = ("name", "kind", "beat_at", "info")
