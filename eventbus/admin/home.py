"""The bus on the first page: what is late, what is dead, who is alive. Redis is not asked."""

from typing import Any

from django.http import HttpRequest

from backoffice.home import panel
from eventbus import deadletters, doctor


def _may_see(request: HttpRequest) -> bool:
    return request.user.has_perm("eventbus.view_inboxentry")


@panel(order=30, template="eventbus/admin/home.html", may_see=_may_see)
def bus(request: HttpRequest) -> dict[str, Any]:
    """Return where every group is, the first dead entries, and how long each process is silent."""
    groups = doctor.groups()
    return {
        "groups": groups,
        "lag_events": sum(group["lag_events"] for group in groups),
        "lag_seconds": max((group["lag_seconds"] for group in groups), default=0.0),
        "dead": sum(group["dead"] for group in groups),
        "parked": sum(group["parked"] for group in groups),
        "dead_entries": deadletters.waiting()[:5],
        "workers": doctor.workers(),
        "silent_after": doctor.SILENT_SECONDS,
    }
