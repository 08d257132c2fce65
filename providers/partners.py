"""The partners that can be booked: adding one, finding one."""

import time
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction

from eventbus.publish import publish
from outbound.deadline import Deadline
from providers import domain
from providers.gateways import exchange, registry
from providers.gateways.protocol import Endpoint
from providers.gateways.wire import WirePartners
from providers.models import Partner

GATEWAY_OF_CLASS: Final = {str(kind): name for name, kind in registry.NAMES.items()}


_seen: dict[str, tuple[float, Partner]] = {}


class PartnerInvalid(Exception):
    """A partner cannot be added as described."""

    code = "partner_invalid"


def register_partner(*, slug: str, name: str, kind: str, gateway: str, base_url: str) -> UUID:
    """Add a partner, or bring the one of this slug up to date; told once, when it is new.

    Raises:
        PartnerInvalid: kind, gateway or address make no sense, or the slug is of another kind.
    """
    check_partner(kind=kind, gateway=gateway, base_url=base_url)
    described = {"name": name, "gateway": gateway, "base_url": base_url}
    with transaction.atomic():
        partner, is_new = Partner.objects.select_for_update().get_or_create(
            slug=slug, defaults={"id": domain.partner_id(slug=slug), "kind": kind, **described}
        )
        if partner.kind != kind:
            raise PartnerInvalid(f"{slug} sells {partner.kind}, not {kind}")
        if is_new:
            publish(partner.registered())
        else:
            Partner.objects.filter(pk=partner.pk).update(**described)
    _seen.pop(slug, None)
    return partner.id


def forget() -> None:
    """Look again at the next question."""
    _seen.clear()


def known(slug: str) -> Partner:
    """Return a partner as it was a moment ago: one look serves half a second of calls.

    Raises:
        Partner.DoesNotExist: there is none.
    """
    at, partner = _seen.get(slug, (float("-inf"), None))
    if partner is None or time.monotonic() > at + settings.PARTNER_LOOK_SECONDS:
        partner = Partner.objects.get(slug=slug)
        _seen[slug] = time.monotonic(), partner
    return partner


def register_sandbox_partners(*, base_url: str, seconds: float = 10.0) -> list[UUID]:
    """Add every partner of a partner network (`GET /partners`); return their ids.

    Raises:
        NotSent, NoAnswer: the network does not answer.
    """
    url = f"{base_url.rstrip('/')}/partners"
    answer = exchange.send(url=url, method="GET", deadline=Deadline.within(seconds))
    members = exchange.succeeded(answer, refused_by=()).decode(WirePartners).partners
    return [
        register_partner(
            slug=member.slug,
            name=member.name,
            kind=member.kind,
            gateway=GATEWAY_OF_CLASS[member.idempotency],
            base_url=base_url,
        )
        for member in members
    ]


def endpoint(partner: Partner) -> Endpoint:
    """Return where a partner can be reached."""
    return Endpoint(slug=partner.slug, base_url=partner.base_url)


def check_partner(*, kind: str, gateway: str, base_url: str) -> None:
    """Refuse what cannot be a partner.

    Raises:
        PartnerInvalid: kind, gateway or address make no sense.
    """
    if kind not in set(domain.PartnerKind):
        raise PartnerInvalid(f"{kind!r} is none of: {', '.join(domain.PartnerKind)}")
    if gateway not in registry.known_names():
        raise PartnerInvalid(f"{gateway!r} is none of: {', '.join(registry.known_names())}")
    address = urlsplit(base_url)
    if address.scheme not in {"http", "https"} or not address.hostname or address.username:
        raise PartnerInvalid("the address is http(s)://host, without a login")
