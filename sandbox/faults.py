"""Faults: which magic input affects this call, and how a spoilt answer leaves."""

import dataclasses
import json
import sqlite3
import threading
from collections.abc import Iterator

import werkzeug

from sandbox import ledger, magic
from sandbox.exchange import Answer, Call, Delivery, Rejected, problem, silence
from sandbox.settings import Durations

AFTERWARDS = {
    magic.Does.SLOW: Delivery.SLOW,
    magic.Does.DRIP: Delivery.DRIP,
    magic.Does.HANG_AFTER: Delivery.HANG,
    magic.Does.GARBAGE: Delivery.GARBAGE,
}
OUTAGE_MODES = ("ok", "down", "slow", "hang")


def due(
    db: sqlite3.Connection, name: str | None, moment: magic.Moment, scope: str
) -> magic.Magic | None:
    """Find the magic input that affects this call. Count the call if only the first of its scope is affected."""
    found = magic.at(name or "", moment)
    if found and found.first_only and ledger.count_up(db, f"{moment}:{scope}") > 1:
        return None
    return found


def instead(found: magic.Magic | None) -> Answer | None:
    """Answer in place of acting, if that is what this magic input does."""
    match found.does if found else None:
        case magic.Does.HANG_BEFORE:
            return silence(Delivery.HANG, "nothing; no answer")
        case magic.Does.DROP:
            return silence(Delivery.DROP, "nothing; connection closed")
        case magic.Does.ERROR:
            return problem(500, "internal_error", "The partner's system failed.")
        case magic.Does.REFUSE | magic.Does.REFUSE_LATE as does:
            code = found.code if found else ""
            refused = problem(409, code, f"The partner refuses: {code.replace('_', ' ')}.")
            late = does is magic.Does.REFUSE_LATE
            return dataclasses.replace(refused, delivery=Delivery.SLOW) if late else refused
    return None


def afterwards(found: magic.Magic | None, answer: Answer) -> Answer:
    """Spoil the delivery of an answer whose effect is done."""
    delivery = AFTERWARDS.get(found.does, Delivery.PLAIN) if found else Delivery.PLAIN
    if delivery is Delivery.PLAIN or answer.status >= 400:
        return answer
    effect = f"{answer.effect}; {delivery.value}"
    return dataclasses.replace(answer, effect=effect, delivery=delivery)


def set_outage(book: ledger.Ledger, *, partner: str, mode: str) -> None:
    """Put a partner, or the card processor ("cards"), out of order until told otherwise."""
    with book.write() as db:
        db.execute("INSERT OR REPLACE INTO outages VALUES (?, ?)", (partner, mode))


def outage(book: ledger.Ledger, partner: str) -> str:
    """Read the state in which a partner is kept; "ok" if nothing is wrong."""
    with book.read() as db:
        row = ledger.one(db, "SELECT mode FROM outages WHERE partner = ?", partner)
    return str(row["mode"]) if row else "ok"


def stop_at_outage(mode: str) -> None:
    """Turn a call away while its partner is down or silent.

    Raises:
        Rejected: the partner does nothing, and answers 500 or not at all.
    """
    if mode == "down":
        raise Rejected(problem(500, "outage", "The partner's system is down."))
    if mode == "hang":
        raise Rejected(silence(Delivery.HANG, "outage; no answer"))


def deliver(
    answer: Answer, call: Call, durations: Durations, stopping: threading.Event
) -> werkzeug.Response:
    """Write an answer in the way it asks for. Waiting ends early when the sandbox stops.

    Raises:
        ConnectionAbortedError: nothing is to be answered; the server closes the connection.
    """
    match answer.delivery:
        case Delivery.HANG | Delivery.DROP:
            stopping.wait(durations.hang if answer.delivery is Delivery.HANG else 0)
            raise ConnectionAbortedError(call.request.path)
        case Delivery.SLOW:
            stopping.wait(durations.slow)
        case Delivery.GARBAGE:
            return werkzeug.Response('{"confirmation_code": "<<<', 200, mimetype="application/json")
        case Delivery.DRIP:
            body = json.dumps(answer.body).encode()
            response = werkzeug.Response(_drip(body, durations.drip, stopping), answer.status)
            response.headers["Content-Length"] = str(len(body))
            response.mimetype = "application/json"
            return response
    return _plain(answer)


def _drip(body: bytes, seconds: float, stopping: threading.Event) -> Iterator[bytes]:
    for position in range(len(body)):
        yield body[position : position + 1]
        stopping.wait(seconds / len(body))


def _plain(answer: Answer) -> werkzeug.Response:
    if isinstance(answer.body, str):
        return werkzeug.Response(answer.body, answer.status, answer.headers, mimetype="text/html")
    body = json.dumps(answer.body)
    return werkzeug.Response(body, answer.status, answer.headers, mimetype="application/json")
