"""The page behind the link in a message: looking changes nothing, the button declines (RFC 8058)."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from crm import unsubscribing
from crm.commands import customers
from crm.domain import CustomerUnknown

_ASK: Final = """<!doctype html><html lang="en"><title>Unsubscribe</title>
<h1>Receive no more of these messages?</h1>
<form method="post"><button>Unsubscribe</button></form></html>"""
_DONE: Final = """<!doctype html><html lang="en"><title>Unsubscribed</title>
<h1>You are unsubscribed.</h1>
<p>Messages about trips you have booked will still reach you.</p></html>"""
_REFUSED: Final = """<!doctype html><html lang="en"><title>Link not valid</title>
<h1>This link is not complete, or not one of ours.</h1></html>"""


# No cookie is read: the signed link is all that counts, and mail programs send no CSRF token.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or take the traveller's no."""
    try:
        if request.method == "POST":
            customers.unsubscribe(token=token)
            return HttpResponse(_DONE)
        unsubscribing.read(token)
    except (unsubscribing.LinkRefused, CustomerUnknown):
        return HttpResponse(_REFUSED, status=404)
    return HttpResponse(_ASK)
