"""What operators ask: doctor, trace, dead letters, replay, catalogue."""

import json
import uuid
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from eventbus import doctor, documents, loop, numbering, replay, testing, trace
from eventbus.models import Cursor, Heartbeat, InboxEntry, OutboxEntry
from tests.integration.eventbus import sample


def asked(*arguments: str) -> tuple[object, int]:
    """Run `manage.py eventbus … --json`; return its answer and exit code."""
    out, code = StringIO(), 0
    try:
        call_command("eventbus", *arguments, "--json", stdout=out)
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    return json.loads(out.getvalue()), code


@pytest.fixture
def operated(bus, settings):
    """The sample group counts as a context's own."""
    settings.EVENTBUS_OWNERS = {"tests": sample.STREAM}


def test_the_doctor_finds_nothing_when_everything_is_delivered(operated, subject):
    sample.say(subject, 1, 2)
    testing.deliver()
    Heartbeat.objects.create(name="relay@here:1", kind="relay")

    report, code = asked("doctor")

    assert code == 0
    assert report["problems"] == []
    assert report["groups"][0]["missing"] is None


def test_the_doctor_names_the_exact_positions_that_are_missing(operated, subject):
    sample.say(subject, 1, 2, 3)
    testing.deliver()
    Cursor.objects.update(position=1)

    report, code = asked("doctor")

    assert code == 1
    assert report["groups"][0]["missing"] == [2, 3]
    assert report["groups"][0]["lag_events"] == 2


def test_the_doctor_sees_a_hole_in_the_log(operated, subject):
    sample.say(subject, 1, 2, 3, 4)
    testing.deliver()
    OutboxEntry.objects.filter(position__in=[2, 4]).delete()

    report = doctor.examine()

    assert report["streams"][0]["holes_in_log"] == [[2, 2], [4, 4]]
    assert "Stream tests: the log lacks positions 2 to 2." in report["problems"]


def test_the_doctor_reports_the_dead_and_a_missing_relay_and_redis(operated, settings, subject):
    settings.EVENTBUS_REDIS_URL = "redis://127.0.0.1:1/0"
    sample.say(subject, 1, 2)
    OutboxEntry.objects.filter(data__number=1).update(type="tests.noted.v9")
    testing.deliver(tolerate_failures=True)

    problems = " ".join(doctor.examine()["problems"])

    assert "1 dead, 1 parked" in problems
    assert "No relay is alive" in problems
    assert "Redis does not answer" in problems


def test_the_doctor_speaks_to_people_too(operated, subject):
    out = StringIO()

    with pytest.raises(SystemExit):
        call_command("eventbus", "doctor", stdout=out)

    assert "it has never run" in out.getvalue()
    assert out.getvalue().rstrip().endswith("not healthy")


def test_the_doctor_says_how_late_a_group_is_and_what_redis_holds(operated, subject):
    sample.say(subject, 1, 2, 3)
    testing.deliver()
    Cursor.objects.update(position=1)
    OutboxEntry.objects.update(occurred_at=Now() - timedelta(seconds=90))
    out = StringIO()

    with pytest.raises(SystemExit):
        call_command("eventbus", "doctor", stdout=out)

    assert "missing 2-3: 2 events, 9" in out.getvalue()
    assert "Redis: policy noeviction; tests at 0" in out.getvalue()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("relay",), {"appended": 0}),
        (("consume", "sample"), {"group": "sample", "delivered": 0}),
    ],
)
def test_a_worker_says_at_its_end_what_it_did(operated, monkeypatch, arguments, said):
    monkeypatch.setattr(loop.Stop, "on_signals", lambda stop: setattr(stop, "requested", True))

    assert asked(*arguments) == (said, 0)


def test_a_trace_shows_who_reacted_and_what_that_caused(operated, subject):
    sample.reacting.add(1)
    (event_id,) = sample.say(subject, 1)
    testing.deliver()

    tree, _ = asked("trace", str(event_id))

    (reaction,) = tree["reactions"]
    assert (reaction["group"], reaction["status"]) == ("sample", "done")
    assert reaction["source"].startswith("tests/integration/eventbus/sample.py:")
    assert [child["type"] for child in tree["caused"]] == ["tests.reacted.v1"]
    assert tree["data"]["author"] != "nobody"


def test_a_trace_shows_who_has_not_come_to_the_event_yet(operated, subject):
    (event_id,) = sample.say(subject, 1)

    node = trace.reaction_tree(event_id=event_id)

    assert [reaction.status for reaction in node.reactions] == ["waiting"]


def test_everything_about_a_key_is_traced_in_order(operated, subject):
    sample.say(subject, 1, 2)
    sample.say(uuid.uuid4(), 3)
    testing.deliver()

    events, _ = asked("trace", "--key", str(subject))

    assert [event["data"]["number"] for event in events] == [1, 2]
    assert events[0]["source"].startswith("tests/integration/eventbus/sample.py:")
    assert [event["reactions"][0]["status"] for event in events] == ["done", "done"]


def test_a_trace_reads_as_a_tree(operated, subject):
    sample.reacting.add(1)
    (event_id,) = sample.say(subject, 1)
    testing.deliver()
    out = StringIO()

    call_command("eventbus", "trace", str(event_id), stdout=out)

    first, second, third = out.getvalue().splitlines()
    assert first.startswith(f"tests.noted.v1 {event_id}")
    assert second.startswith("  sample: tests.integration.eventbus.sample.note")
    assert third.startswith("    tests.reacted.v1")


def test_a_trace_names_the_entry_that_can_be_settled(operated, subject):
    sample.poison.add(1)
    (event_id,) = sample.say(subject, 1)
    testing.deliver(tolerate_failures=True)
    out = StringIO()

    call_command("eventbus", "trace", str(event_id), stdout=out)
    [reaction] = trace.reaction_tree(event_id=event_id).reactions

    assert f"retry, entry {reaction.entry_id}" in out.getvalue()
    assert InboxEntry.objects.get(pk=reaction.entry_id).event_id == event_id


def test_an_unknown_event_cannot_be_traced(operated):
    with pytest.raises(CommandError, match="has no event"):
        call_command("eventbus", "trace", str(uuid.uuid4()))


def test_dead_entries_are_listed_and_settled(operated, subject):
    sample.say(subject, 1)
    OutboxEntry.objects.update(type="tests.noted.v9")
    testing.deliver(tolerate_failures=True)

    (entry,), _ = asked("dead")
    settled, _ = asked("dead", "--skip", str(entry["id"]), "--actor", "ada", "--reason", "old")

    assert entry["status"] == "dead"
    assert (settled["status"], settled["resolved_by"]) == ("skipped", "ada")
    assert asked("dead")[0] == []


def test_settling_without_a_name_is_refused(operated, subject):
    with pytest.raises(CommandError, match="who settles"):
        call_command("eventbus", "dead", "--skip", "1", "--reason", "old")


def test_a_replay_runs_the_handlers_again_and_tells_them(operated, subject):
    sample.say(subject, 1, 2, 3)
    testing.deliver()

    (done,), _ = asked("replay", "sample", "--from", "2")

    assert (done["events"], done["calls"]) == (2, 2)
    assert sample.effects() == [1, 2, 3, 2, 3]
    assert InboxEntry.objects.count() == 3


def test_a_dry_run_only_counts(operated, subject):
    sample.say(subject, 1, 2)
    testing.deliver()

    (done,), _ = asked("replay", "sample", "--dry-run")

    assert done["calls"] == 2
    assert sample.effects() == [1, 2]


def test_a_replay_goes_no_further_than_the_group_is(operated, subject):
    sample.say(subject, 1)
    testing.deliver()
    sample.say(subject, 2)
    numbering.number(stream="tests")

    (done,) = replay.replay(group=sample.listener)

    assert (done.last, done.calls) == (1, 1)


def test_a_replay_stops_at_a_failure_and_says_where(operated, subject):
    sample.say(subject, 1, 2)
    testing.deliver()
    sample.poison.add(2)

    with pytest.raises(replay.ReplayFailed, match="tests position 2"):
        replay.replay(group=sample.listener)

    assert InboxEntry.objects.filter(status="done").count() == 2


@pytest.mark.parametrize(
    "arguments", [["--handler", "nobody"], ["--from", "0"], ["--from", "3", "--to", "2"]]
)
def test_an_impossible_replay_is_refused(operated, arguments):
    with pytest.raises(CommandError):
        call_command("eventbus", "replay", "sample", *arguments)


def test_an_unknown_group_is_refused_with_the_known_ones(operated):
    with pytest.raises(CommandError, match=r"Known: .*sample"):
        call_command("eventbus", "consume", "nobody")


def test_a_group_is_paused_and_resumed(operated, subject):
    testing.deliver()

    asked("pause", "sample")
    paused = Cursor.objects.get(group="sample").paused
    asked("resume", "sample")

    assert paused
    assert not Cursor.objects.get(group="sample").paused


@pytest.fixture
def documented(operated, settings, tmp_path):
    """The catalogue of the sample events, written to a directory of its own."""
    settings.BASE_DIR = tmp_path
    documents.write()
    return tmp_path / "docs"


def test_the_catalogue_says_who_reacts(documented):
    page = (documented / "events.md").read_text()

    assert (
        "| [`tests.noted.v1`](#testsnotedv1) | tests / tests | `subject_id` | sample: `note` |"
        in page
    )
    assert "| `author` | str, optional | ● |" in page
    assert 'tests -->|"tests.noted.v1"| sample_group' in page
    assert "3 attempts" in page
    assert asked("catalogue", "--check")[1] == 0


def test_drift_fails_the_check(documented):
    (documented / "events.md").write_text("edited by hand")

    answer, code = asked("catalogue", "--check")

    assert code == 1
    assert "events.md is not what the code says" in answer["problems"][0]


def test_a_stale_asyncapi_document_fails_the_check(documented):
    document = documented / "asyncapi" / "tests.json"
    document.write_text(document.read_text().replace('"send"', '"receive"'))
    (documented / "asyncapi" / "gone.json").write_text("{}")

    answer, code = asked("catalogue", "--check")
    documents.write()

    assert code == 1
    assert "tests.json is not what the code says" in answer["problems"][0]
    assert "gone.json is of no context" in answer["problems"][1]
    assert asked("catalogue", "--check")[1] == 0


def test_a_breaking_change_fails_the_check_names_the_handlers_and_is_not_written(documented):
    path = documented / "events.lock.json"
    agreed = json.loads(path.read_text())
    agreed["events"]["tests.noted.v1"]["fields"]["colour"] = {
        "type": "str",
        "required": True,
        "sensitive": False,
    }
    path.write_text(json.dumps(agreed))

    answer, code = asked("catalogue", "--check")

    assert code == 1
    assert "field 'colour' is gone" in answer["problems"][0]
    assert "sample.note" in answer["problems"][0]
    with pytest.raises(CommandError, match="new version"):
        call_command("eventbus", "catalogue")
    call_command("eventbus", "catalogue", "--accept-breaking", stdout=StringIO())
    assert asked("catalogue", "--check")[1] == 0
