"""`manage.py saga audit`: do our books agree with those of the partners and the card processor?"""

import argparse
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.core.management.base import CommandParser

from booking import discrepancies
from booking.management.saga.answer import NOT_ALLOWED, OK, WRONG, Answer, Declined
from booking.orchestrator import store
from booking.reconciler.audit import audit
from booking.reconciler.reconciliation import Discovery, Report

HELP: Final = "compare our books with the other side's; exit 1 if anything differs"
UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


def declare(parser: CommandParser) -> None:
    """Declare how far back, whether to put right what is safe, and how a person settles one."""
    parser.add_argument("--since", type=_since, help="12h, 7d, or an instant (default: 8d)")
    parser.add_argument(
        "--heal",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="note what differs and start what takes strays back (default: look only)",
    )
    parser.add_argument(
        "--seconds", type=float, default=120.0, help="take no longer than about that"
    )
    parser.add_argument("--settle", type=int, metavar="NUMBER", help="settle one by hand instead")
    parser.add_argument("--actor", help="who settles it")
    parser.add_argument("--evidence", help="how that is known; kept with it")


def run(options: dict[str, Any]) -> Answer:
    """Compare, or settle one discrepancy by hand."""
    if options["settle"] is not None:
        return _settle(options)
    since = options["since"]
    if isinstance(since, timedelta):
        since = store.now() - since
    report = audit(since=since, heal=options["heal"], seconds=options["seconds"])
    wrong = report.found or report.silent or report.not_reached
    return Answer(value=_value(report), lines=_lines(report), status=WRONG if wrong else OK)


def _settle(options: dict[str, Any]) -> Answer:
    number, actor, evidence = (options[name] for name in ("settle", "actor", "evidence"))
    if not (actor or "").strip() or not (evidence or "").strip():
        raise Declined("evidence_missing", "--settle needs --actor and --evidence", status=2)
    try:
        discrepancies.settle_by_hand(number=number, actor=actor, evidence=evidence)
    except (discrepancies.DiscrepancyNotOpen, discrepancies.BeingTakenBack) as error:
        raise Declined(error.code, str(error), status=NOT_ALLOWED) from error
    return Answer(value={"settled": number}, lines=[f"discrepancy {number} is settled"])


def _value(report: Report) -> dict[str, Any]:
    return {
        "since": report.since,
        "until": report.until,
        "examined": report.examined,
        "discrepancies": report.found,
        "taking_back": report.taking_back,
        "left_alone": report.left_alone,
        "not_reached": report.not_reached,
        "silent": report.silent,
    }


def _lines(report: Report) -> list[str]:
    lines = [_line(found) for found in report.found]
    lines += [f"not compared: {who} ({why})" for who, why in sorted(report.silent.items())]
    if report.not_reached:
        lines.append(f"not compared: {len(report.not_reached)} reservations, no time left")
    if report.left_alone:
        lines.append(f"left alone: {len(report.left_alone)} reservations, not at rest")
    return lines or ["all books agree"]


def _line(found: Discovery) -> str:
    number = f"#{found.number}" if found.number else "-"
    way = f"waits for a person: {found.reason}"
    if found.saga_id:
        way = f"saga {found.saga_id} takes it back"
    elif found.remedy:
        way = "can be taken back (--heal)"
    return f"{number:6} {found.kind:26} {found.what}  reservation {found.reservation_id}  {way}"


def _since(text: str) -> datetime | timedelta:
    """Take a length of time back from now, or an instant (UTC unless it says otherwise)."""
    if match := re.fullmatch(r"([0-9]{1,4})([mhd])", text):
        return timedelta(**{UNITS[match[2]]: int(match[1])})
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
