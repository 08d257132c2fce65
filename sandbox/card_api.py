"""The card processor over HTTP, in the shape that the official `stripe` library sends and expects."""

import functools
import sqlite3
from collections.abc import Callable

from sandbox import cards, faults, idempotency, intents, ledger, magic, refunds
from sandbox.card_params import Params
from sandbox.exchange import Answer, Call, Delivery, Rejected, silence
from sandbox.stripe_errors import error, invalid
from sandbox.world import World

Execute = Callable[[sqlite3.Connection], Answer]
IGNORED = {
    "automatic_payment_methods",
    "confirmation_method",
    "error_on_requires_action",
    "expand",
    "off_session",
    "payment_method_options",
    "payment_method_types",
    "receipt_email",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "use_stripe_sdk",
}
ABOUT = {"metadata", "description"}
ALLOWED = {
    "create": frozenset(
        IGNORED | ABOUT | {"amount", "currency", "capture_method", "payment_method"}
    ),
    "update": frozenset(IGNORED | ABOUT | {"payment_method"}),
    "confirm": frozenset(IGNORED | {"payment_method", "return_url"}),
    "capture": frozenset({"amount_to_capture", "expand", "statement_descriptor", "metadata"}),
    "cancel": frozenset({"cancellation_reason", "expand"}),
    "refund": frozenset({"payment_intent", "amount", "reason", "metadata", "expand"}),
    "list": frozenset({"limit", "starting_after", "payment_intent", "created", "expand"}),
    "get": frozenset({"expand", "client_secret"}),
}
CANCEL_REASONS = {"duplicate", "fraudulent", "requested_by_customer", "abandoned"}
CURRENCIES = {"eur", "usd", "gbp", "chf", "jpy"}


def create_intent(world: World, call: Call) -> Answer:
    """Open a payment; only manual capture is on offer here, and confirming is a call of its own."""
    params = _params(world, call, "create")
    amount, currency = params.amount("amount", required=True), params.required("currency").lower()
    if currency not in CURRENCIES:
        raise Rejected(invalid(f"Invalid currency: {currency}.", param="currency"))
    if params.text("capture_method") != "manual":
        message = "This sandbox captures manually only: send capture_method=manual."
        raise Rejected(invalid(message, param="capture_method"))
    about = _about(params)
    call.reference = about.get("metadata", {}).get("reservation_id")
    return _post(
        world,
        call,
        functools.partial(
            cards.create,
            amount=amount or 0,
            currency=currency,
            method=params.text("payment_method"),
            about=about,
        ),
    )


def update_intent(world: World, call: Call, intent_id: str) -> Answer:
    """Change a payment before it is authorised."""
    params = _params(world, call, "update", intent_id)
    method, about = params.text("payment_method"), _about(params)
    return _post(
        world,
        call,
        lambda db: cards.update(db, intent_id, method=method, about=about),
    )


def confirm_intent(world: World, call: Call, intent_id: str) -> Answer:
    """Authorise."""
    params = _params(world, call, "confirm", intent_id)
    method = params.text("payment_method")
    _lose(world, intent_id, method, "confirm")
    url = f"{call.request.host_url}control/3ds/{intent_id}"
    redirect = {"url": url, "return_url": params.text("return_url")}
    challenge = {"type": "redirect_to_url", "redirect_to_url": redirect}
    return _post(
        world,
        call,
        lambda db: cards.confirm(db, intent_id, method=method, challenge=challenge),
        seconds=_slowness(world, intent_id, method),
    )


def capture_intent(world: World, call: Call, intent_id: str) -> Answer:
    """Take the money."""
    amount = _params(world, call, "capture", intent_id).amount("amount_to_capture")
    _lose(world, intent_id, None, "capture")
    return _post(world, call, lambda db: cards.capture(db, intent_id, amount=amount))


def cancel_intent(world: World, call: Call, intent_id: str) -> Answer:
    """Release the money."""
    reason = _params(world, call, "cancel", intent_id).text("cancellation_reason")
    if reason and reason not in CANCEL_REASONS:
        raise Rejected(invalid("Invalid cancellation_reason.", param="cancellation_reason"))
    much_later = world.settings.durations.much_later
    answer = _post(
        world, call, lambda db: cards.cancel(db, intent_id, reason=reason, much_later=much_later)
    )
    world.late_effects.wake()
    return answer


def create_refund(world: World, call: Call) -> Answer:
    """Give money back."""
    params = _params(world, call, "refund")
    intent_id, amount = params.required("payment_intent"), params.amount("amount")
    _concerning(world, call, intent_id)
    about = {"reason": params.text("reason"), "metadata": params.nested("metadata")}
    return _post(
        world,
        call,
        lambda db: refunds.create(db, intent_id=intent_id, amount=amount, about=about),
    )


def get_intent(world: World, call: Call, intent_id: str) -> Answer:
    """Show one payment."""
    params = _params(world, call, "get", intent_id)
    with world.ledger.read() as db:
        intent = intents.get(db, intent_id)
        if "latest_charge" in params.items("expand"):
            intent = refunds.with_charge(db, intent)
    return Answer(200, intent, "looked up")


def list_intents(world: World, call: Call) -> Answer:
    """Show payments, the newest first, those created within a window if one is given."""
    params = _params(world, call, "list")
    limit, created = params.whole("limit", default=10, largest=100), params.span("created")
    with world.ledger.read() as db:
        after = params.text("starting_after")
        found, more = intents.page(db, limit=limit, after=after, created=created)
        if "data.latest_charge" in params.items("expand"):
            found = [refunds.with_charge(db, intent) for intent in found]
    return _list(found, more, "/v1/payment_intents")


def get_refund(world: World, call: Call, refund_id: str) -> Answer:
    """Show one refund."""
    _params(world, call, "get")
    with world.ledger.read() as db:
        return Answer(200, refunds.get(db, refund_id), "looked up")


def list_refunds(world: World, call: Call) -> Answer:
    """Show the refunds of a payment, the newest first."""
    params = _params(world, call, "list")
    limit = params.whole("limit", default=10, largest=100)
    with world.ledger.read() as db:
        found = refunds.of(db, params.text("payment_intent"))
    return _list(found[:limit], len(found) > limit, "/v1/refunds")


def _list(found: list[intents.Intent], more: bool, url: str) -> Answer:
    return Answer(200, {"object": "list", "data": found, "has_more": more, "url": url}, "listed")


def _params(world: World, call: Call, name: str, intent_id: str | None = None) -> Params:
    """Check the key and the state of the processor, then the names of the parameters."""
    _api_key(call)
    call.key = call.request.headers.get("Idempotency-Key")
    if intent_id:
        _concerning(world, call, intent_id)
    mode = faults.outage(world.ledger, "cards")
    if mode == "down":
        raise Rejected(error(500, "api_error", "The card processor is down."))
    faults.stop_at_outage(mode)
    if mode == "slow":
        world.stopping.wait(world.settings.durations.slow)
    form = call.request.args if call.request.method == "GET" else call.request.form
    return Params(form, allowed=ALLOWED[name])


def _api_key(call: Call) -> str:
    kind, _, key = call.request.headers.get("Authorization", "").partition(" ")
    if kind != "Bearer" or not key.startswith("sk_test_"):
        message = "Invalid API Key provided: send a test key as a bearer token."
        raise Rejected(error(401, "invalid_request_error", message))
    return key


def _about(params: Params) -> intents.Intent:
    about: intents.Intent = {"metadata": params.nested("metadata")}
    if description := params.text("description"):
        about["description"] = description
    return about


def _lose(world: World, intent_id: str, method: str | None, moment: magic.Moment) -> None:
    """Lose the request on its way, before its key is noted, if the card asks for it."""
    does = magic.Does.HANG_BEFORE
    with world.ledger.write() as db:
        lost = cards.affected(db, intent_id, method, does=does, moment=moment)
    if lost:
        raise Rejected(silence(Delivery.HANG, "nothing; no answer"))


def _slowness(world: World, intent_id: str, method: str | None) -> float:
    with world.ledger.write() as db:
        slow = cards.affected(db, intent_id, method, does=magic.Does.SLOW, moment="confirm")
    return world.settings.durations.slow if slow else 0


def _post(world: World, call: Call, execute: Execute, *, seconds: float = 0) -> Answer:
    """Execute once per idempotency key, then let the webhooks go. `seconds`: how long it takes."""
    before = functools.partial(world.stopping.wait, seconds)
    if call.key:
        answer = idempotency.run(world.ledger, _use(call, call.key), execute, before=before)
    else:
        before()
        with world.ledger.write() as db:
            answer = execute(db)
    world.webhooks.wake()
    return answer


def _use(call: Call, key: str) -> idempotency.Use:
    if len(key) > 255:
        raise Rejected(
            error(400, "idempotency_error", "An idempotency key has 255 characters at most.")
        )
    params = ledger.dumps(sorted(call.request.form.items(multi=True)))
    return idempotency.Use(api_key=_api_key(call), key=key, path=call.request.path, params=params)


def _concerning(world: World, call: Call, intent_id: str) -> None:
    """Note for the ledger whose payment it is, even if the call comes to nothing."""
    sql = "SELECT reservation_id FROM payment_intents WHERE id = ?"
    with world.ledger.read() as db:
        row = ledger.one(db, sql, intent_id)
    call.reference = row["reservation_id"] if row else None
