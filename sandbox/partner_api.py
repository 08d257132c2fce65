"""The partner network over HTTP: checks what is asked, and translates."""

import datetime
import hmac
import re
import zoneinfo
from collections.abc import Mapping

from sandbox import faults, geography, offers, orders, prices
from sandbox.exchange import Answer, Call, Rejected, problem
from sandbox.partners import PARTNERS, Partner, as_json
from sandbox.world import World

FARTHEST = datetime.timedelta(days=3 * 365)
LONGEST = 60
LARGEST_PAGE = 100
AMOUNT = re.compile(r"\d{1,9}(\.\d{1,2})?")


def directory(world: World, call: Call) -> Answer:
    """List the partners."""
    _authorise(world, call)
    return Answer(200, {"partners": [as_json(partner) for partner in PARTNERS.values()]})


def search(world: World, call: Call, slug: str) -> Answer:
    """Search offers of one partner."""
    partner = _enter(world, call, slug)
    found = offers.search(world.ledger, _wanted(partner, call.request.args))
    return Answer(200, {"offers": found}, f"{len(found)} offers")


def quote(world: World, call: Call, slug: str) -> Answer:
    """Ask for the price of an offer again."""
    partner = _enter(world, call, slug)
    offer_id = _text(_body(call), "offer_id")
    return Answer(200, offers.quote(world.ledger, partner, offer_id), "quoted")


def put_order(world: World, call: Call, slug: str, key: str) -> Answer:
    """Book under the caller's key."""
    partner = _enter(world, call, slug)
    if not partner.keyed:
        raise Rejected(problem(405, "no_keys", "This partner takes orders by POST, without keys."))
    return _place(world, call, partner, key)


def post_order(world: World, call: Call, slug: str) -> Answer:
    """Book anew."""
    partner = _enter(world, call, slug)
    if partner.keyed:
        raise Rejected(
            problem(405, "key_required", "This partner takes orders by PUT, under a key.")
        )
    return _place(world, call, partner, None)


def get_order(world: World, call: Call, slug: str, key: str) -> Answer:
    """Show one order."""
    partner = _enter(world, call, slug)
    _askable(partner)
    call.key = key
    return _about(call, orders.look_up(world.ledger, partner, key))


def list_orders(world: World, call: Call, slug: str) -> Answer:
    """Show the orders of a reference, or a page of those that were booked within a window."""
    partner = _enter(world, call, slug)
    _askable(partner)
    args = call.request.args
    if "reference" in args:
        call.reference = _text(args, "reference")
        return orders.by_reference(world.ledger, partner, call.reference)
    if not partner.lists_orders:
        raise Rejected(problem(405, "no_listing", "This partner shows orders by reference only."))
    return orders.booked_within(
        world.ledger,
        partner,
        since=_instant(args, "booked_from"),
        until=_instant(args, "booked_until"),
        limit=_page_size(args),
        after=args.get("after", ""),
    )


def delete_order(world: World, call: Call, slug: str, key: str) -> Answer:
    """Cancel one order."""
    partner = _enter(world, call, slug)
    call.key = key
    return _about(call, orders.cancel(world.ledger, partner, key))


def _place(world: World, call: Call, partner: Partner, key: str | None) -> Answer:
    request = _order_request(_body(call))
    call.key, call.reference = key, request.reference
    answer = orders.place(world.ledger, partner, key, request, world.settings.durations)
    world.late_effects.wake()
    return answer


def _askable(partner: Partner) -> None:
    if partner.idempotency == "D":
        raise Rejected(problem(405, "cannot_be_asked", "This partner keeps no list to look into."))


def _about(call: Call, answer: Answer) -> Answer:
    call.reference = answer.body.get("reference") if answer.body else None
    return answer


def _enter(world: World, call: Call, slug: str) -> Partner:
    _authorise(world, call)
    partner = PARTNERS.get(slug)
    if partner is None:
        raise Rejected(problem(404, "unknown_partner", f"There is no partner {slug!r}."))
    mode = faults.outage(world.ledger, slug)
    faults.stop_at_outage(mode)
    if mode == "slow":
        world.stopping.wait(world.settings.durations.slow)
    return partner


def _authorise(world: World, call: Call) -> None:
    given = call.request.headers.get("Authorization", "")
    wanted = f"Bearer {world.settings.partner_key}"
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise Rejected(problem(401, "unauthorised", "The API key is missing or wrong."))


def _invalid(detail: str) -> Rejected:
    return Rejected(problem(400, "invalid_request", detail))


def _body(call: Call) -> dict[str, object]:
    body = call.request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise _invalid("The body must be a JSON object.")
    return body


def _text(values: Mapping[str, object], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value or len(value) > 200:
        raise _invalid(f"{name} must be a text of 1 to 200 characters.")
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise _invalid(f"{name} holds half of a surrogate pair.")
    return value


def _order_request(body: dict[str, object]) -> orders.OrderRequest:
    amount = _text(body, "amount")
    if not AMOUNT.fullmatch(amount):
        raise _invalid("amount must be a decimal number in a text.")
    travellers = body.get("travellers")
    if not isinstance(travellers, list) or not 1 <= len(travellers) <= 9:
        raise _invalid("travellers must be a list of 1 to 9.")
    return orders.OrderRequest(
        offer_id=_text(body, "offer_id"),
        amount=amount,
        currency=_text(body, "currency"),
        reference=_text(body, "reference"),
        travellers=tuple(_traveller(one) for one in travellers),
    )


def _traveller(value: object) -> tuple[str, str, str | None]:
    if not isinstance(value, dict):
        raise _invalid("A traveller must be an object.")
    born_on = value.get("born_on") or None
    if born_on is not None:
        _date(born_on if isinstance(born_on, str) else "", "born_on")
    return _text(value, "given_name"), _text(value, "family_name"), born_on


def _wanted(partner: Partner, args: Mapping[str, str]) -> offers.Search:
    if args.get("kind", partner.kind) != partner.kind:
        raise _invalid(f"{partner.name} sells kind={partner.kind} only.")
    flight = partner.kind == "flight"
    place = _place_of(args, "origin" if flight else "place")
    destination = _place_of(args, "destination") if flight else None
    if destination and geography.distance_km(place, destination) < 1:
        raise _invalid("origin and destination are the same place.")
    return offers.Search(
        partner=partner,
        place=place,
        destination=destination,
        date=_coming(args.get("date", ""), place.zone),
        days=1 if flight else _days(args, "nights" if partner.kind == "stay" else "days"),
        currency=_currency(args.get("currency", "EUR")),
        with_magic=args.get("magic") != "no",
    )


def _place_of(args: Mapping[str, str], name: str) -> geography.Place:
    code = args.get(name, "")
    try:
        return geography.find(code)
    except geography.UnknownPlace as unknown:
        detail = f"{name}={code!r} is no IATA code of an airport or a metropolitan area."
        raise Rejected(problem(404, "unknown_place", detail)) from unknown


def _currency(code: str) -> str:
    if code not in prices.RATES:
        raise _invalid(f"currency must be one of {', '.join(prices.RATES)}.")
    return code


def _page_size(args: Mapping[str, str]) -> int:
    given = args.get("limit", str(LARGEST_PAGE))
    if not re.fullmatch(r"[0-9]{1,3}", given) or not 1 <= int(given) <= LARGEST_PAGE:
        raise _invalid(f"limit must be a number from 1 to {LARGEST_PAGE}.")
    return int(given)


def _instant(args: Mapping[str, str], name: str) -> datetime.datetime:
    try:
        given = datetime.datetime.fromisoformat(_text(args, name))
    except ValueError as unreadable:
        raise _invalid(f"{name} must be an instant in ISO 8601.") from unreadable
    if given.tzinfo is None:
        raise _invalid(f"{name} must have an offset.")
    return given.astimezone(datetime.UTC)


def _days(args: Mapping[str, str], name: str) -> int:
    given = args.get(name, "1")
    if not re.fullmatch(r"[0-9]{1,2}", given) or not 1 <= int(given) <= LONGEST:
        raise _invalid(f"{name} must be a number from 1 to {LONGEST}.")
    return int(given)


def _coming(given: str, zone: str) -> datetime.date:
    date, today = _date(given, "date"), datetime.datetime.now(zoneinfo.ZoneInfo(zone)).date()
    if not today <= date <= today + FARTHEST:
        raise _invalid("date must be today or later, and within three years.")
    return date


def _date(given: str, name: str) -> datetime.date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", given):
        raise _invalid(f"{name} must be a date such as 2027-03-01.")
    try:
        return datetime.date.fromisoformat(given)
    except ValueError as impossible:
        raise _invalid(f"{name}={given} is not in the calendar.") from impossible
