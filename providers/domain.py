"""The words and rules of Providers: kinds, order states, identities, local times. Pure Python."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

PARTNER_NAMESPACE: Final = uuid.UUID("5b0ad5a4-6f5b-5c0e-9d0c-6a1f6f2f6d10")


class PartnerKind(StrEnum):
    """What a partner sells."""

    FLIGHT = "flight"
    STAY = "stay"
    CAR = "car"


class OrderStatus(StrEnum):
    """Where an order at a partner is in its life."""

    BOOKED = "booked"
    CANCELLED = "cancelled"


class MalformedOfferId(Exception):
    """An offer id is not of the form `<partner slug>:<partner's offer id>`."""


def partner_id(*, slug: str) -> uuid.UUID:
    """Return the identity of a partner: the same slug has the same id in every installation."""
    return uuid.uuid5(PARTNER_NAMESPACE, slug)


def offer_id(*, slug: str, partner_offer_id: str) -> str:
    """Return our id of a partner's offer."""
    return f"{slug}:{partner_offer_id}"


def split_offer_id(offer: str) -> tuple[str, str]:
    """Return (partner slug, partner's offer id).

    Raises:
        MalformedOfferId: one of the two is missing.
    """
    slug, colon, partner_offer_id = offer.partition(":")
    if not (slug and colon and partner_offer_id) or "\x00" in offer:
        raise MalformedOfferId(offer)
    return slug, partner_offer_id


def traveller(person: Mapping[str, Any]) -> dict[str, str | None]:
    """Return what a partner is told about who travels."""
    born_on = person.get("born_on")
    return {
        "given_name": str(person["given_name"]),
        "family_name": str(person["family_name"]),
        "born_on": str(born_on) if born_on else None,
    }


def instant(*, local: str, zone: str) -> datetime:
    """Return the UTC instant of a wall time (ISO 8601 without offset) in an IANA zone.

    A wall time that a clock change repeats is read as the first of the two.

    Raises:
        ValueError: the time carries an offset or cannot be read, or the zone is unknown.
    """
    wall = datetime.fromisoformat(local)
    if wall.tzinfo is not None:
        raise ValueError(f"a local time carries no offset: {local}")
    return wall.replace(tzinfo=_zone(zone)).astimezone(UTC)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError) as error:
        raise ValueError(f"unknown time zone: {name}") from error
