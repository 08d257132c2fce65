"""What only tests, the demo and a person at the keyboard ask: control, the judge and the customer's bank. No keys."""

import html
import math
from urllib import parse

from sandbox import cards, faults, intents, judge, late
from sandbox.exchange import Answer, Call, Rejected, problem
from sandbox.partners import PARTNERS
from sandbox.world import World

CHALLENGE_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Your bank</title>
<h1>Your bank asks: is it you?</h1><p>Payment {intent}</p>
<p><a href="?result=succeed">Yes, pay</a> &middot; <a href="?result=fail">No, refuse</a></p></html>"""


def healthz(world: World, call: Call) -> Answer:
    """Say that the sandbox is there."""
    return Answer(200, {"status": "ok"})


def show_ledger(world: World, call: Call) -> Answer:
    """Show the ledger."""
    return Answer(200, judge.show(world.ledger, call.request.args.get("reference") or None))


def show_totals(world: World, call: Call) -> Answer:
    """Show the totals of the ledger."""
    return Answer(200, judge.totals(world.ledger))


def set_outage(world: World, call: Call) -> Answer:
    """Put a partner or the card processor out of order, or back."""
    body = call.request.get_json(force=True, silent=True)
    partner, mode = (body.get("partner"), body.get("mode")) if isinstance(body, dict) else ("", "")
    if partner not in {*PARTNERS, "cards"} or mode not in faults.OUTAGE_MODES:
        detail = f"Send a partner (or cards) and a mode of {', '.join(faults.OUTAGE_MODES)}."
        raise Rejected(problem(400, "invalid_request", detail))
    faults.set_outage(world.ledger, partner=partner, mode=mode)
    return Answer(200, {"partner": partner, "mode": mode}, f"outage: {mode}")


def land(world: World, call: Call) -> Answer:
    """Let everything that was to land later land now."""
    landed = late.land(world.ledger, until=math.inf)
    world.webhooks.wake()
    return Answer(200, {"landed": landed}, f"landed: {landed}")


def challenge(world: World, call: Call, intent_id: str) -> Answer:
    """Be the page of the customer's bank: ask, then settle what was answered."""
    result = call.request.args.get("result")
    if result is None:
        return Answer(200, CHALLENGE_PAGE.format(intent=html.escape(intent_id)))
    if result not in {"succeed", "fail"}:
        raise Rejected(problem(400, "invalid_request", "result must be succeed or fail."))
    with world.ledger.write() as db:
        asked = intents.get(db, intent_id)
        answer = cards.settle_challenge(db, intent_id, succeeds=result == "succeed")
    world.webhooks.wake()
    call.reference = asked["metadata"].get("reservation_id")
    return _back_to_shop(call, asked) or answer


def _back_to_shop(call: Call, asked: intents.Intent) -> Answer | None:
    """Send a browser to where the shop waits for it; a program is told the outcome instead."""
    redirect = (asked["next_action"] or {}).get("redirect_to_url", {})
    if not redirect.get("return_url") or "text/html" not in call.request.headers.get("Accept", ""):
        return None
    query = parse.urlencode({"payment_intent": asked["id"]})
    url = f"{redirect['return_url']}{'&' if '?' in redirect['return_url'] else '?'}{query}"
    return Answer(303, "", "3-D Secure settled", headers={"Location": url})
