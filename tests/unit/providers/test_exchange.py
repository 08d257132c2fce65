"""What counts as a partner's definite no, and what proves nothing."""

import json

import pytest

from outbound import http
from outbound.call import Refusal
from providers import refusals
from providers.gateways import exchange
from providers.gateways.protocol import UnexpectedAnswer
from providers.gateways.wire import WireOffers, WireOrder


def answer(status: int, body: object) -> http.Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return http.Answer(status=status, headers={}, body=raw)


@pytest.mark.parametrize(
    ("status", "code", "refusal"),
    [
        (409, "sold_out", refusals.SoldOut),
        (409, "price_changed", refusals.PriceChanged),
        (409, "offer_expired", refusals.OfferExpired),
        (409, "refused", refusals.Refused),
        (409, "cancelled", refusals.OrderCancelled),
    ],
)
def test_a_known_code_is_a_definite_no(status: int, code: str, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal) as raised:
        exchange.succeeded(answer(status, {"code": code}), refused_by=(refusals.Refused,))

    assert raised.value.code == code


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (409, {"code": "in_flight"}),
        (409, {"code": "cancel_refused"}),
        (409, b"<html>"),
        (422, {"code": "key_reused"}),
        (401, {"code": "unauthorised"}),
        (429, {"code": "sold_out"}),
        (500, {"code": "sold_out"}),
        (503, b""),
        (302, {"code": "refused"}),
        (400, [1]),
    ],
)
def test_anything_else_proves_nothing(status: int, body: object) -> None:
    with pytest.raises(UnexpectedAnswer):
        exchange.succeeded(answer(status, body), refused_by=(refusals.Refused,))


@pytest.mark.parametrize(
    ("status", "body", "absent"),
    [
        (404, {"code": "not_found"}, True),
        (404, {"code": "no_such_route"}, False),
        (404, b"<html>", False),
        (200, {"code": "not_found"}, False),
    ],
)
def test_only_the_partner_itself_can_say_that_there_is_no_order(
    status: int, body: object, absent: bool
) -> None:
    assert exchange.absent(answer(status, body)) is absent


@pytest.mark.parametrize(
    "spoiled",
    [
        {"amount": "-1.00"},
        {"amount": "1e9"},
        {"currency": "euro"},
        {"title": "a\x00b"},
        {"expires_at": "2027-03-01T09:00:00"},
        {"starts_zone": "Europe/Atlantis"},
        {"details": {"note": "\x00"}},
        {"cancellation_policy": [{"before": "2027-03-01T00:00:00Z", "refund_percent": 101}]},
    ],
)
def test_an_offer_that_makes_no_sense_is_unparsable(spoiled: dict[str, object]) -> None:
    offer = {
        "id": "off_1",
        "kind": "flight",
        "product": "standard",
        "title": "SW 1",
        "amount": "10.00",
        "currency": "EUR",
        "expires_at": "2027-03-01T09:00:00Z",
        "starts_at_local": "2027-03-01T09:00:00",
        "starts_zone": "Europe/London",
        "ends_at_local": "2027-03-01T12:00:00",
        "ends_zone": "America/New_York",
    }
    good, bad = answer(200, {"offers": [offer]}), answer(200, {"offers": [offer | spoiled]})
    assert good.decode(WireOffers).offers[0].to_offer().amount

    with pytest.raises(http.Unparsable):
        bad.decode(WireOffers).offers[0].to_offer()


@pytest.mark.parametrize("status", ["cancelled", "pending"])
def test_an_order_that_is_not_confirmed_is_no_booking(status: str) -> None:
    order = WireOrder(
        id="ord_1",
        status=status,
        reference="r",
        confirmation_code="ABC",
        amount="1.00",
        currency="EUR",
    )

    with pytest.raises(http.Unparsable):
        order.to_order()
