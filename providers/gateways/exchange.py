"""One request to the partner network: authorised, within its deadline, its problems told apart."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

import msgspec
from django.conf import settings

from outbound import http
from outbound.call import Refusal
from outbound.deadline import Deadline
from providers import refusals
from providers.gateways.protocol import Endpoint, UnexpectedAnswer
from providers.gateways.wire import WireProblem

REFUSALS: Final[Mapping[tuple[int, str], Callable[[str], Refusal]]] = {
    (400, "invalid_request"): refusals.InvalidSearch,
    (404, "unknown_place"): refusals.UnknownPlace,
    (404, "unknown_offer"): refusals.OfferNotFound,
    (410, "offer_expired"): refusals.OfferExpired,
    (409, "sold_out"): refusals.SoldOut,
    (409, "offer_expired"): refusals.OfferExpired,
    (409, "refused"): refusals.Refused,
    (409, "cancelled"): refusals.OrderCancelled,
    (409, "cancel_refused"): refusals.CancelRefused,
}


def ask(
    *,
    partner: Endpoint,
    method: str,
    path: tuple[str, ...],
    deadline: Deadline,
    params: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
) -> http.Answer:
    """Send one request below `/partners/<slug>`; `path` segments may hold any character."""
    segments = "/".join(quote(segment, safe="") for segment in (partner.slug, *path))
    return send(
        url=f"{partner.base_url.rstrip('/')}/partners/{segments}",
        method=method,
        deadline=deadline,
        params=params,
        body=body,
    )


def send(
    *,
    url: str,
    method: str,
    deadline: Deadline,
    params: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
) -> http.Answer:
    """Send one authorised request; a body is the same bytes for the same values."""
    headers = {"authorization": f"Bearer {settings.PARTNER_API_KEY}", "accept": "application/json"}
    if body is not None:
        headers["content-type"] = "application/json"
    return http.send(
        method=method,
        url=url,
        deadline=deadline,
        headers=headers,
        params=params,
        content=None if body is None else msgspec.json.encode(body, order="sorted"),
    )


def succeeded(answer: http.Answer, *, refused_by: tuple[type[Refusal], ...]) -> http.Answer:
    """Let a success pass.

    Raises:
        Refusal: the partner said a definite no, one of those that this call knows.
        UnexpectedAnswer: anything else; nothing is known.
    """
    if 200 <= answer.status < 300:
        return answer
    refusal = _refusal(answer)
    if refusal is not None and isinstance(refusal, refused_by):
        raise refusal
    raise UnexpectedAnswer(f"{answer.status}: {answer.body[:200]!r}")


def absent(answer: http.Answer) -> bool:
    """Tell whether the partner itself says that there is no such order.

    A 404 without its code may come from a proxy on the way, and proves nothing.
    """
    problem = _problem(answer)
    return answer.status == 404 and problem is not None and problem.code == "not_found"


def _refusal(answer: http.Answer) -> Refusal | None:
    problem = _problem(answer)
    if problem is None:
        return None
    if (answer.status, problem.code) == (409, "price_changed"):
        amount = Decimal(problem.amount) if problem.amount else None
        return refusals.PriceChanged(problem.detail, amount=amount)
    kind = REFUSALS.get((answer.status, problem.code))
    return kind(problem.detail) if kind else None


def _problem(answer: http.Answer) -> WireProblem | None:
    if not 400 <= answer.status < 500:
        return None
    try:
        return answer.decode(WireProblem)
    except http.Unparsable:
        return None
