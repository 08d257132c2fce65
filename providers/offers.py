"""What the partners offer: searched side by side, quoted one by one."""

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from outbound import http
from outbound.call import NotSent, Refusal
from outbound.deadline import Deadline
from providers import breakers, domain
from providers.gateways.protocol import PartnerOffer, Query, UnexpectedAnswer
from providers.gateways.registry import gateway_named
from providers.models import Partner
from providers.partners import endpoint, known
from providers.refusals import InvalidSearch, OfferNotFound

logger = logging.getLogger(__name__)

TECHNICAL: Final = (NotSent, http.NoAnswer, UnexpectedAnswer)
SIDE_BY_SIDE: Final = 16
NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    domain.PartnerKind.FLIGHT: ("origin", "destination"),
    domain.PartnerKind.STAY: ("place", "nights"),
    domain.PartnerKind.CAR: ("place", "days"),
}


class PartnerUnavailable(Exception):
    """A partner did not give a usable answer in time; asking again may help."""

    code = "partner_unavailable"


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What can be booked until `expires_at`; `amount` in major units, `*_at` in UTC.

    `starts_at_local` and `ends_at_local` are wall times (ISO 8601 without offset) in their zones.
    """

    offer_id: str
    provider_id: UUID
    provider_name: str
    kind: str
    product: str
    title: str
    amount: Decimal
    currency: str
    expires_at: datetime
    starts_at: datetime
    starts_at_local: str
    starts_zone: str
    ends_at: datetime
    ends_at_local: str
    ends_zone: str
    details: dict[str, Any]
    cancellation_policy: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """The offers found, and the slugs of the partners that did not answer in time."""

    offers: list[Offer]
    unavailable_partners: list[str]


def search(
    *,
    kind: str,
    date: date,
    origin: str | None = None,
    destination: str | None = None,
    place: str | None = None,
    nights: int | None = None,
    days: int | None = None,
    seconds: float = 8.0,
) -> SearchResult:
    """Ask every active partner of a kind side by side; a slow or broken one only misses out.

    One whose breaker is open is not asked.

    Raises:
        InvalidSearch: something is missing, or no partner knows what was asked (`UnknownPlace`).
    """
    query = Query(
        kind=kind,
        date=date.isoformat(),
        origin=origin,
        destination=destination,
        place=place,
        nights=nights,
        days=days,
    )
    _check(query)
    partners = list(Partner.objects.filter(kind=kind, active=True).order_by("slug"))
    alone = [one.slug for one in partners if breakers.is_left_alone(slug=one.slug)]
    asked = [one for one in partners if one.slug not in alone]
    return _collect(asked, alone, query, Deadline.within(seconds))


def quote(*, offer_id: str, seconds: float = 8.0) -> Offer:
    """Return an offer at its partner's price of now.

    Raises:
        OfferNotFound, OfferExpired: it cannot be had (any more).
        PartnerUnavailable: the partner gave no usable answer.
    """
    partner, partner_offer_id = resolve(offer_id)
    if breakers.is_left_alone(slug=partner.slug):
        raise PartnerUnavailable(partner.slug)
    try:
        offer = gateway_named(partner.gateway).quote(
            partner=endpoint(partner),
            offer_id=partner_offer_id,
            deadline=Deadline.within(seconds),
        )
    except TECHNICAL as error:
        raise PartnerUnavailable(partner.slug) from error
    return _ours(partner, offer)


def resolve(offer_id: str) -> tuple[Partner, str]:
    """Return the partner of an offer, and the partner's id of it.

    Raises:
        OfferNotFound: there is no such partner.
    """
    try:
        slug, partner_offer_id = domain.split_offer_id(offer_id)
        return known(slug), partner_offer_id
    except (domain.MalformedOfferId, Partner.DoesNotExist) as error:
        raise OfferNotFound(offer_id) from error


def _check(query: Query) -> None:
    needed = NEEDED.get(query.kind)
    if needed is None:
        raise InvalidSearch(f"kind is one of: {', '.join(NEEDED)}")
    if missing := [name for name in needed if not getattr(query, name)]:
        raise InvalidSearch(f"a search for a {query.kind} needs: {', '.join(missing)}")


def _collect(
    partners: list[Partner], alone: list[str], query: Query, deadline: Deadline
) -> SearchResult:
    with ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
        answers = list(pool.map(lambda partner: _ask(partner, query, deadline), partners))
    offers = [offer for answer in answers if isinstance(answer, list) for offer in answer]
    refused = [answer for answer in answers if isinstance(answer, Refusal)]
    if refused and not offers:
        raise refused[0]
    silent = [p.slug for p, answer in zip(partners, answers, strict=True) if answer is None]
    return SearchResult(offers=offers, unavailable_partners=sorted([*alone, *silent]))


def _ask(partner: Partner, query: Query, deadline: Deadline) -> list[Offer] | Refusal | None:
    """Return one partner's offers, its refusal, or None when it did not answer."""
    try:
        found = gateway_named(partner.gateway).search(
            partner=endpoint(partner), query=query, deadline=deadline
        )
    except InvalidSearch as refusal:
        return refusal
    except TECHNICAL:
        logger.warning("%s did not answer a search", partner.slug, exc_info=True)
        return None
    return [_ours(partner, offer) for offer in found]


def _ours(partner: Partner, offer: PartnerOffer) -> Offer:
    known = {
        "offer_id": domain.offer_id(slug=partner.slug, partner_offer_id=offer.offer_id),
        "provider_id": partner.id,
        "provider_name": partner.name,
    }
    return Offer(**{**asdict(offer), **known})
