"""Who is on the stage in every example: a traveller, and a partner of each kind and class with an offer."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Final

from booking import commands
from booking.orchestrator import store
from providers import services as providers

KINDS: Final = ("flight", "stay", "car")
PARTNERS: Final[dict[str, uuid.UUID]] = {}
"""Slug -> id of the partners that the offers are from."""


def offer(kind: str, idempotency: str) -> providers.Offer:
    now = store.now()
    starts_at = now + timedelta(days=100)
    ends_at = starts_at + timedelta(hours=8)
    slug = f"property-{kind}-{idempotency}"
    return providers.Offer(
        offer_id=f"{slug}:standard",
        provider_id=PARTNERS[slug],
        provider_name=slug,
        kind=kind,
        product="standard",
        title=f"A {kind}",
        amount=Decimal("120.00"),
        currency="EUR",
        expires_at=now + timedelta(hours=1),
        starts_at=starts_at,
        starts_at_local=starts_at.replace(tzinfo=None).isoformat(timespec="minutes"),
        starts_zone="Europe/London",
        ends_at=ends_at,
        ends_at_local=ends_at.replace(tzinfo=None).isoformat(timespec="minutes"),
        ends_zone="Europe/London",
        details={},
        cancellation_policy=[{"before": starts_at.isoformat(), "refund_percent": 50}],
    )


def prepare() -> uuid.UUID:
    """Register the traveller and the partners of all examples; return the traveller's account."""
    account_id = commands.register_account(
        email=f"{uuid.uuid4()}@example.com",
        password="correct horse battery staple",
        full_name="Ada Traveller",
    ).account_id
    for kind in KINDS:
        for name in "abc":
            slug = f"property-{kind}-{name}"
            PARTNERS[slug] = providers.register_partner(
                slug=slug,
                name=slug,
                kind=kind,
                gateway=f"property-{name}",
                base_url="http://127.0.0.1",
            )
    return account_id
