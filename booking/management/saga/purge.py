"""`manage.py saga purge`: remove sagas that have been over for long."""

from datetime import timedelta
from typing import Any, Final

from django.core.management.base import CommandParser

from booking.management.saga import moving
from booking.management.saga.answer import BAD_ARGUMENTS, Answer, Declined
from booking.orchestrator import retention
from booking.reconciler.loop import FULL_WINDOW

HELP: Final = "remove sagas that have been over for long, with their calls and histories"


def declare(parser: CommandParser) -> None:
    """Declare the horizon, who and why."""
    parser.add_argument(
        "--older-than-days",
        type=int,
        required=True,
        help=f"at least {FULL_WINDOW.days}: so far the reconciler looks back",
    )
    parser.add_argument("--chunk", type=int, default=500, help="sagas in one transaction")
    parser.add_argument("--dry-run", action="store_true", help="count only")
    moving.declare_who(parser)


def run(options: dict[str, Any]) -> Answer:
    """Purge, or count.

    Raises:
        Declined: the chunk is not positive, or the reconciler still looks at what is to be removed.
    """
    days, chunk, dry_run = options["older_than_days"], options["chunk"], options["dry_run"]
    if chunk < 1:
        raise Declined("bad_chunk", "a chunk is at least 1", status=BAD_ARGUMENTS)
    if days < FULL_WINDOW.days:
        why = f"the reconciler looks back {FULL_WINDOW.days} days: keep sagas for at least as long"
        raise Declined("bad_horizon", why, status=BAD_ARGUMENTS)
    who = {name: options[name] for name in ("actor", "reason")}
    done = retention.purge(older_than=timedelta(days=days), chunk=chunk, dry_run=dry_run, **who)
    counted = f"{done.sagas} sagas, {done.calls} calls, {done.events} events over before {done.before:%Y-%m-%d %H:%M}"
    lines = [f"{'would remove' if dry_run else 'removed'} {counted}"]
    if done.left:
        lines.append(f"leaves {done.left} as old, each with a loss that a person accepted")
    return Answer(value=done, lines=lines)
