"""The audit log: a deed and the line that tells of it are one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest

from backoffice.models import AuditEntry

NOBODY: Final = "nobody"
"""The actor while nobody is signed in."""


@contextmanager
def deed(
    request: HttpRequest, action: str, *, target: str = "", reason: str = "", **detail: Any
) -> Iterator[None]:
    """Do something and note who did it and why: neither happens without the other."""
    with transaction.atomic():
        yield
        note(request, action, target=target, reason=reason, **detail)


def note(
    request: HttpRequest, action: str, *, target: str = "", reason: str = "", **detail: Any
) -> AuditEntry:
    """Append one line about whoever is signed in."""
    user: Any = getattr(request, "user", None) or AnonymousUser()
    return AuditEntry.objects.create(
        actor_id=user.pk,
        actor=str(user) if user.is_authenticated else NOBODY,
        action=action,
        target=target[:200],
        reason=reason,
        detail=detail,
        request_id=getattr(request, "correlation_id", ""),
    )
