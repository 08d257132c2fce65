"""The menu of the web admin: what is looked for together stands together. It offers what one may see."""

from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

MENU: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "Trips": {
        "booking.sagainstance": ("Flows", "route"),
        "reservation.reservation": ("Reservations", "luggage"),
        "booking.account": ("Travellers", "person"),
        "providers.partner": ("Partners", "handshake"),
        "providers.order": ("Orders", "receipt_long"),
        "payments.payment": ("Payments", "credit_card"),
        "payments.refund": ("Refunds", "undo"),
        "payments.webhookdelivery": ("Webhooks", "webhook"),
        "booking.discrepancy": ("Discrepancies", "rule"),
        "booking.reconciliation": ("Reconciliations", "balance"),
    },
    "Events": {
        "eventbus.outboxentry": ("Log", "list_alt"),
        "eventbus.inboxentry": ("Inbox", "inbox"),
        "eventbus.cursor": ("Groups of listeners", "bookmark"),
        "eventbus.stream": ("Streams", "water"),
        "eventbus.heartbeat": ("Processes", "favorite"),
    },
    "Customers": {
        "crm.relationship": ("Customers", "groups"),
        "crm.profile": ("Profiles", "badge"),
        "crm.interaction": ("Timeline", "timeline"),
        "crm.note": ("Notes", "sticky_note_2"),
        "crm.consent": ("Preferences", "thumbs_up_down"),
        "crm.message": ("Messages", "mail"),
        "crm.provider": ("Providers", "apartment"),
        "crm.membership": ("Memberships", "card_membership"),
    },
    "People": {
        "identity.user": ("Logins", "key"),
        "auth.group": ("Roles", "shield_person"),
        "identity.signinlock": ("Sign-in locks", "lock"),
        "backoffice.auditentry": ("Audit log", "history"),
    },
}
"""Heading -> page (by its model) -> name and icon."""


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the menu for whoever is signed in."""
    pages = {model._meta.label_lower: page for model, page in admin.site._registry.items()}
    home = {"items": [{"title": "Today", "icon": "today", "link": reverse("admin:index")}]}
    return [
        home,
        *(
            {
                "title": heading,
                "items": [
                    {"title": title, "icon": icon, "link": _place(name)}
                    for name, (title, icon) in entries.items()
                    if name in pages and pages[name].has_view_permission(request)
                ],
            }
            for heading, entries in MENU.items()
        ),
    ]


def _place(name: str) -> str:
    return reverse(f"admin:{name.replace('.', '_')}_changelist")
