"""The invariants, judged by the ledgers of the sandbox: another process that does not believe us."""

from collections.abc import Mapping
from typing import Any, Final

import httpx

Ledger = Mapping[str, Any]

FINAL_FACTS: Final = frozenset({"confirmed", "failed", "cancelled"})
"""The last word of the events of which a reservation at rest has exactly one (for each attempt)."""


def ledger_of(sandbox_url: str, reservation_id: str) -> Ledger:
    """Return what partners and card processor have on a reservation."""
    answer = httpx.get(f"{sandbox_url}/ledger", params={"reference": reservation_id}, timeout=30)
    answer.raise_for_status()
    parsed: Ledger = answer.json()
    return parsed


def violations(reservation: Mapping[str, Any], ledger: Ledger) -> list[str]:
    """Return every broken invariant of a reservation at rest; empty means that all hold.

    The invariants are those of the scenarios: money captured (and kept) if and only if every leg is confirmed,
    at most one capture, no partner booking without a confirmed reservation, the saga over or parked with a reason.
    """
    confirmed = reservation["status"] == "confirmed"
    booked = [order for order in ledger["orders"] if order["status"] == "confirmed"]
    captured = [intent for intent in ledger["payment_intents"] if intent["status"] == "succeeded"]
    kept = [intent for intent in captured if _kept(intent, ledger) > 0]
    given_back = bool(ledger["refunds"]) or _nothing_comes_back(reservation)
    progress = reservation["progress"] or {}
    legs = len(reservation["items"])
    checks = {
        "money kept if and only if confirmed": bool(kept) == confirmed
        or (reservation["status"] == "cancelled" and given_back),
        "at most one capture": len(captured) <= 1,
        "every leg booked exactly once if confirmed": not confirmed or len(booked) == legs,
        "no partner booking without a confirmed reservation": confirmed or not booked,
        "no authorisation left on the card": confirmed
        or all(intent["status"] != "requires_capture" for intent in ledger["payment_intents"]),
        "the saga is over or parked with a reason": bool(
            progress.get("finished_at") or progress.get("needs_a_person")
        ),
        "no leg was ever booked twice": _never_twice(ledger),
    }
    return [name for name, holds in checks.items() if not holds]


def _kept(intent: Mapping[str, Any], ledger: Ledger) -> int:
    """Return what was taken and not given back, in minor units."""
    back = [
        int(one["amount"]) for one in ledger["refunds"] if one["payment_intent"] == intent["id"]
    ]
    return int(intent["amount_received"]) - sum(back)


def _nothing_comes_back(reservation: Mapping[str, Any]) -> bool:
    payment = reservation["payment"] or {}
    return payment.get("status") == "captured" and float(payment["refunded_amount"]) == 0


def _never_twice(ledger: Ledger) -> bool:
    references = [
        order["reference"] for order in ledger["orders"] if order["status"] == "confirmed"
    ]
    return len(references) == len(set(references))
