"""Who may do what in the web admin, as code: the groups are brought up to date after each `migrate`.

CRM's pages show a role the rows of the providers that it is a member of; `crm.see_all_providers` shows all.
"""

from collections.abc import Iterable
from typing import Final

BOOKING: Final = (
    "booking.account",
    "booking.sagainstance",
    "booking.discrepancy",
    "booking.reconciliation",
    "reservation.reservation",
    "reservation.item",
    "reservation.traveller",
    "providers.partner",
    "providers.order",
    "payments.payment",
    "payments.refund",
    "payments.webhookdelivery",
)
BUS: Final = (
    "eventbus.outboxentry",
    "eventbus.inboxentry",
    "eventbus.stream",
    "eventbus.cursor",
    "eventbus.heartbeat",
)
CUSTOMERS: Final = (
    "crm.provider",
    "crm.profile",
    "crm.relationship",
    "crm.interaction",
    "crm.note",
    "crm.consent",
    "crm.message",
    "crm.membership",
)


def _may(verb: str, models: Iterable[str]) -> tuple[str, ...]:
    """Return the permissions to do something to models, each named `app.model`."""
    return tuple(
        f"{app}.{verb}_{model}" for app, _, model in (name.partition(".") for name in models)
    )


SUPPORT: Final = (*_may("view", (*BOOKING, *BUS, *CUSTOMERS)), "crm.see_all_providers")

ROLES: Final[dict[str, tuple[str, ...]]] = {
    # Looks after the running system: settles what waits for a person, says who works where.
    "operator": (
        *SUPPORT,
        *_may("change", ("booking.sagainstance", "booking.discrepancy", "eventbus.inboxentry")),
        "providers.add_partner",
        *(f"crm.{verb}_membership" for verb in ("add", "change", "delete")),
        *(f"identity.{verb}_user" for verb in ("view", "add", "change")),
        *(f"auth.{verb}_group" for verb in ("view", "add", "change")),
        "identity.view_signinlock",
        "identity.change_signinlock",
        "backoffice.view_auditentry",
    ),
    # Answers travellers and providers: sees everything, changes nothing.
    "support": SUPPORT,
    # Works for a provider: its own customers, nothing of Booking.
    "provider staff": (
        *_may("view", CUSTOMERS),
        *_may("add", ("crm.note", "crm.consent")),
    ),
    # Sees who is known and why, forgets whoever asks to be forgotten, and reads who did what.
    "privacy officer": (
        *_may("view", ("booking.account", *CUSTOMERS)),
        "booking.delete_account",
        "crm.see_all_providers",
        "backoffice.view_auditentry",
    ),
}
