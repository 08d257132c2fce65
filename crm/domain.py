"""Rules of CRM, without framework: what is newer, what may be sent, what a message says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Protocol
from uuid import UUID

STATUS_RANK: Final = {"open": 0, "failed": 1, "confirmed": 2, "cancelled": 3}
"""Which status of a trip wins when two are of the same instant."""

SUMMARY_LENGTH: Final = 500
SUBJECT_LENGTH: Final = 200
MESSAGE_HORIZON: Final = timedelta(days=2)
"""A message about an event older than this is not worth its reader's time: none is written."""

MAX_ATTEMPTS: Final = 8
_FIRST_WAIT: Final = timedelta(seconds=30)
_LONGEST_WAIT: Final = timedelta(hours=1)


class CustomerUnknown(LookupError):
    """This provider has no such customer; whether the traveller exists elsewhere is not said."""

    code = "customer_unknown"


class NotAChoice(ValueError):
    """Transactional messages belong to a trip that was bought: they cannot be consented to or declined."""

    code = "preference_not_a_choice"


class ChannelUnsupported(ValueError):
    """CRM itself sends e-mail only."""

    code = "channel_unsupported"


class KeyReused(ValueError):
    """The key was used before, for another customer or another text."""

    code = "idempotency_key_reused"


class LegOfTrip(Protocol):
    """What CRM reads of one leg of a confirmed trip; `amount` in the trip's currency."""

    @property
    def provider_id(self) -> UUID: ...
    @property
    def title(self) -> str: ...
    @property
    def amount(self) -> Decimal: ...
    @property
    def starts_at_local(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One word of a traveller about one channel and purpose."""

    channel: str
    purpose: str
    granted: bool
    basis: str = "consent"
    evidence: str = ""


@dataclass(frozen=True, kw_only=True)
class Money:
    """An amount in major units of an ISO 4217 currency."""

    amount: Decimal
    currency: str


def supersedes(*, status: str, at: datetime, known: str, known_at: datetime | None) -> bool:
    """Tell whether a status heard now replaces the known one: the later instant wins, then the rank."""
    if known_at is None:
        return True
    return (at, STATUS_RANK[status]) > (known_at, STATUS_RANK[known])


def suppression_of(*, purpose: str, word: bool | None) -> str | None:
    """Return why a message must not leave, None if it may; `word` is the traveller's latest, if any.

    Marketing needs a yes. Service messages need the absence of a no. Transactional messages belong
    to the contract and need neither.
    """
    if purpose == "marketing" and word is not True:
        return "consent_withdrawn" if word is False else "no_consent"
    if purpose == "service" and word is False:
        return "consent_withdrawn"
    return None


def may_repeat(*, purpose: str) -> bool:
    """Tell whether a mail whose fate is unknown is sent again: only when a double does less harm than a loss."""
    return purpose == "transactional"


def retry_wait(*, attempts: int) -> timedelta | None:
    """Return how long to wait after so many failed attempts, None when it is enough."""
    if attempts >= MAX_ATTEMPTS:
        return None
    return min(_LONGEST_WAIT, _FIRST_WAIT * (1 << (attempts - 1)))


def is_fresh(*, happened_at: datetime, now: datetime) -> bool:
    """Tell whether what happened is recent enough to write to the traveller about it."""
    return now - happened_at <= MESSAGE_HORIZON


def price_by_provider(legs: Sequence[LegOfTrip]) -> dict[UUID, Decimal]:
    """Return provider -> what its legs cost together, in the trip's currency."""
    prices: dict[UUID, Decimal] = {}
    for leg in legs:
        prices[leg.provider_id] = prices.get(leg.provider_id, Decimal(0)) + leg.amount
    return prices


def titles_of(legs: Sequence[LegOfTrip], provider_id: UUID) -> str:
    """Return the titles of one provider's legs, in the order of the trip."""
    return ", ".join(leg.title for leg in legs if leg.provider_id == provider_id)


def thanks(legs: Sequence[LegOfTrip], provider_id: UUID, currency: str) -> tuple[str, str]:
    """Return subject and body of the message that confirms one provider's part of a trip."""
    own = [leg for leg in legs if leg.provider_id == provider_id]
    lines = [f"- {leg.title}, {leg.starts_at_local}: {leg.amount} {currency}" for leg in own]
    body = "\n".join(["Thank you for your booking. It is confirmed:", "", *lines, "", "Your team"])
    return one_line(f"Confirmed: {titles_of(own, provider_id)}", SUBJECT_LENGTH), body


def one_line(text: str, length: int = SUMMARY_LENGTH) -> str:
    """Return the text on one line, cut to the length."""
    flat = " ".join(text.split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"
