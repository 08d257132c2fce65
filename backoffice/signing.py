"""Who signs in and out of the web admin, in the audit log; signing in to the API leaves tokens instead."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from backoffice import audit
from backoffice.sessions import begin


@receiver(user_logged_in)
def signed_in(request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """Note who came in, and when their session began."""
    begin(request)
    audit.note(request, "signed in", target=str(user))


@receiver(user_logged_out)
def signed_out(request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """Note who left."""
    if user is not None:
        audit.note(request, "signed out", target=str(user))


@receiver(user_login_failed)
def was_refused(
    credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """Note whose login was tried at; what was typed is kept only if it is an address of ours."""
    if request is None:
        return
    users = get_user_model().objects
    typed = str(credentials.get("username", "")).replace("\0", "")
    known = users.filter(email__iexact=typed.strip()).first()
    audit.note(request, "sign-in refused", target=str(known) if known else "an unknown address")
