"""The subcommands of `manage.py eventbus`."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.core.management.base import CommandParser
from django.db.models.functions import Now

from eventbus import (
    deadletters,
    doctor,
    documents,
    loop,
    replay,
    reports,
    retention,
    subscribe,
    trace,
)
from eventbus.consumer import Consumer
from eventbus.models import Cursor, Stream
from eventbus.relay import Relay

Options = dict[str, Any]
Answer = tuple[str, bool]
"""What to print, and whether all is well."""


class GroupUnknown(LookupError):
    """No app declares a group of this name."""


REFUSALS: Final = (
    GroupUnknown,
    deadletters.NotSettled,
    documents.ContractBroken,
    replay.ReplayFailed,
    replay.ReplayRefused,
    trace.EventNotFound,
)


def declare(subcommands: Any) -> None:
    """Add every subcommand with its options."""
    _add(subcommands, "relay", run_relay, "number what was published and append it to Redis")
    _with_group(_add(subcommands, "consume", run_consumer, "deliver events to a group's handlers"))
    _with_group(_add(subcommands, "pause", run_pause, "let a group stand still"))
    resume = _with_group(_add(subcommands, "resume", run_resume, "let a paused group go on"))
    resume.add_argument(
        "--past-pruned", action="store_true", help="without what the log no longer has"
    )
    _add(subcommands, "doctor", run_doctor, "say what is missed, late, dead or down (exit 1)")
    of_event = _add(
        subcommands, "trace", run_trace, "show who reacted to an event, and what it caused"
    )
    about = of_event.add_mutually_exclusive_group(required=True)
    about.add_argument("event_id", type=UUID, nargs="?")
    about.add_argument("--key", default="", help="every event of this key instead")
    _declare_catalogue(subcommands)
    _declare_dead(subcommands)
    _declare_replay(subcommands)
    _declare_prune(subcommands)


def run_relay(options: Options) -> Answer:
    """Run a relay until SIGTERM."""
    stop = loop.Stop()
    stop.on_signals()
    relay = Relay(stop=stop)
    loop.run(relay, stop=stop, kind="relay", info=lambda: {"appended": relay.appended})
    return (reports.as_json({"appended": relay.appended}) if options["json"] else ""), True


def run_consumer(options: Options) -> Answer:
    """Run a consumer of one group until SIGTERM."""
    group = group_named(options["group"])
    stop = loop.Stop()
    stop.on_signals()
    consumer = Consumer(group=group, stop=stop)

    def done() -> dict[str, Any]:
        return {"group": group.name, "delivered": consumer.delivered}

    loop.run(consumer, stop=stop, kind="consumer", info=done)
    return (reports.as_json(done()) if options["json"] else ""), True


def run_pause(options: Options) -> Answer:
    """Pause a group on all its streams."""
    return _set_paused(options, paused=True)


def run_resume(options: Options) -> Answer:
    """Let a group go on, past what was pruned before it came to it if the operator says so."""
    if options["past_pruned"]:
        places = Cursor.objects.filter(group=group_named(options["group"]).name)
        for stream in Stream.objects.filter(pruned__gt=0):
            behind = places.filter(stream=stream.name, position__lt=stream.pruned)
            behind.update(position=stream.pruned)
    return _set_paused(options, paused=False)


def run_doctor(options: Options) -> Answer:
    """Print the state of the bus."""
    report = doctor.examine()
    text = reports.as_json(report) if options["json"] else reports.doctor_text(report)
    return text, bool(report["healthy"])


def run_trace(options: Options) -> Answer:
    """Print an event's reaction tree."""
    key, event_id = options["key"], options["event_id"]
    nodes = trace.trees_about(key=key) if key else [trace.reaction_tree(event_id=event_id)]
    if options["json"]:
        return reports.as_json(nodes if key else nodes[0]), True
    return "\n".join(reports.tree_text(node) for node in nodes), True


def run_catalogue(options: Options) -> Answer:
    """Write the catalogue, or check it against the code."""
    if options["check"]:
        found = documents.problems()
        plain = "\n".join(found) or "the catalogue is what the code says"
        return (reports.as_json({"problems": found}) if options["json"] else plain), not found
    written = documents.write(accept_breaking=options["accept_breaking"])
    return (reports.as_json({"written": written}) if options["json"] else "\n".join(written)), True


def run_dead(options: Options) -> Answer:
    """List the dead entries, or settle one."""
    for name, settle in (("retry", deadletters.retry), ("skip", deadletters.skip)):
        if options[name] is not None:
            entry = settle(entry_id=options[name], actor=options["actor"], reason=options["reason"])
            plain = f"{entry.pk} is {entry.status}"
            return (reports.as_json(entry) if options["json"] else plain), True
    entries = list(deadletters.waiting(group=options["group"]))
    return (reports.as_json(entries) if options["json"] else reports.dead_text(entries)), True


def run_replay(options: Options) -> Answer:
    """Run a group's handlers again over a range."""
    dry_run = options["dry_run"]
    done = replay.replay(
        group=group_named(options["group"]),
        handler=options["handler"],
        first=options["first"],
        last=options["last"],
        dry_run=dry_run,
    )
    return (
        reports.as_json(done) if options["json"] else reports.replay_text(done, dry_run=dry_run)
    ), True


def run_prune(options: Options) -> Answer:
    """Delete what is old and settled from the log."""
    dry_run = options["dry_run"]
    done = retention.prune(
        older_than=timedelta(days=options["older_than_days"]),
        chunk=options["chunk"],
        dry_run=dry_run,
    )
    plain = reports.prune_text(done, dry_run=dry_run)
    return (reports.as_json(done) if options["json"] else plain), True


def group_named(name: str) -> subscribe.Group:
    """Return a group.

    Raises:
        GroupUnknown: no app declares it.
    """
    try:
        return subscribe.GROUPS[name]
    except KeyError as error:
        known = ", ".join(sorted(subscribe.GROUPS)) or "none"
        raise GroupUnknown(f"There is no group {name!r}. Known: {known}.") from error


def _set_paused(options: Options, *, paused: bool) -> Answer:
    group = group_named(options["group"])
    Cursor.objects.filter(group=group.name).update(paused=paused, updated_at=Now())
    answer = {"group": group.name, "paused": paused}
    plain = f"{group.name} is {'paused' if paused else 'not paused'}"
    return (reports.as_json(answer) if options["json"] else plain), True


def _declare_catalogue(subcommands: Any) -> None:
    parser = _add(
        subcommands, "catalogue", run_catalogue, "write docs/events.md, its lock and docs/asyncapi/"
    )
    parser.add_argument("--check", action="store_true", help="exit 1 on drift or a broken contract")
    parser.add_argument("--accept-breaking", action="store_true", help="write it all the same")


def _declare_dead(subcommands: Any) -> None:
    parser = _add(subcommands, "dead", run_dead, "list what waits for a person, or settle it")
    parser.add_argument("--group", default="", help="only of this group")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--retry", type=int, metavar="ID", help="try this entry again")
    choice.add_argument("--skip", type=int, metavar="ID", help="go on without this entry")
    parser.add_argument("--actor", default="", help="who settles it")
    parser.add_argument("--reason", default="", help="why")


def _declare_replay(subcommands: Any) -> None:
    parser = _with_group(
        _add(subcommands, "replay", run_replay, "run handlers again, past the inbox")
    )
    parser.add_argument("--handler", default="", help="only this one, as dotted path")
    parser.add_argument("--from", type=int, default=1, dest="first", metavar="POSITION")
    parser.add_argument("--to", type=int, default=None, dest="last", metavar="POSITION")
    parser.add_argument("--dry-run", action="store_true", help="only count")


def _declare_prune(subcommands: Any) -> None:
    parser = _add(
        subcommands, "prune", run_prune, "delete from the log what is old and settled everywhere"
    )
    parser.add_argument("--older-than-days", type=_positive, required=True, metavar="DAYS")
    parser.add_argument("--chunk", type=_positive, default=retention.CHUNK, help="events at a time")
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")


def _positive(text: str) -> int:
    if (value := int(text)) < 1:
        raise ValueError(text)
    return value


def _with_group(parser: CommandParser) -> CommandParser:
    parser.add_argument("group")
    return parser


def _add(subcommands: Any, name: str, run: Callable[[Options], Answer], text: str) -> CommandParser:
    parser: CommandParser = subcommands.add_parser(name, help=text, description=text)
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    parser.set_defaults(run=run)
    return parser
