"""`manage.py saga lock`: record the flows' tables under their versions, or compare them."""

import json
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import CommandParser

from booking import sagas
from booking.management.saga.answer import NOT_ALLOWED, OK, WRONG, Answer, Declined
from booking.orchestrator import versions
from booking.orchestrator.plan import Saga

HELP: Final = "record the flows' tables under their versions; with --check, exit 1 if one changed"
PATH: Final = Path(settings.BASE_DIR) / "docs" / "sagas.lock.json"


def declare(parser: CommandParser) -> None:
    """Declare what to do with the lock file."""
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--replace", action="store_true", help="a version that was never deployed")


def run(options: dict[str, Any]) -> Answer:
    """Write or compare the lock file; needs no database."""
    flows = [flow for flow in vars(sagas).values() if isinstance(flow, Saga)]
    locked: versions.Lock = json.loads(PATH.read_text()) if PATH.exists() else {}
    if options["check"]:
        return _checked(versions.drifts(flows, locked))
    try:
        written = versions.lock(flows, locked, replace=options["replace"])
    except versions.VersionTaken as error:
        raise Declined(error.code, str(error), status=NOT_ALLOWED) from error
    PATH.write_text(versions.as_text(written))
    names = [f"{flow.name} v{flow.version} {versions.hash_of(flow)}" for flow in flows]
    return Answer(value={"locked": names}, lines=names)


def _checked(drifts: list[versions.Drift]) -> Answer:
    lines = [line for drift in drifts for line in (drift.message, *drift.changed)]
    said = lines or ["every table is what its version was locked as"]
    return Answer(value=drifts, lines=said, status=WRONG if drifts else OK)
