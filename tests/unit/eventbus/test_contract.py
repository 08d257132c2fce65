"""The catalogue's lock: what may change without a new version, and what may not."""

import copy

import pytest

from eventbus import lock
from eventbus.events import upcast

BEFORE = {
    "events": {
        "tests.made.v1": {
            "context": "tests",
            "key": "thing_id",
            "fields": {
                "thing_id": {"type": "UUID", "required": True, "sensitive": False},
                "note": {"type": "str", "required": False, "sensitive": False},
            },
            "handlers": ["crm:crm.handlers.react"],
        }
    }
}


def changed(change) -> list[str]:
    after = copy.deepcopy(BEFORE)
    change(after["events"], after["events"]["tests.made.v1"])
    return lock.breaking_changes(before=BEFORE, after=after)


def field(kind: str = "str", *, required: bool = True) -> dict[str, object]:
    return {"type": kind, "required": required, "sensitive": False}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda events, made: events.clear(), "is gone"),
        (lambda events, made: made["fields"].pop("note"), "field 'note' is gone"),
        (
            lambda events, made: made["fields"].update(note=field("int", required=False)),
            "was str and is int",
        ),
        (lambda events, made: made["fields"].update(note=field()), "was optional and is required"),
        (lambda events, made: made["fields"].update(colour=field()), "new and required"),
        (lambda events, made: made.update(key="note"), "its key was 'thing_id'"),
        (lambda events, made: made.update(context="other"), "its context was 'tests'"),
    ],
)
def test_a_breaking_change_is_named_with_whom_it_affects(registries, change, said):
    (line,) = changed(change)

    assert said in line
    assert "crm:crm.handlers.react" in line


@pytest.mark.parametrize(
    "change",
    [
        lambda events, made: None,
        lambda events, made: made["fields"].update(colour=field(required=False)),
        lambda events, made: made.update(handlers=[]),
        lambda events, made: events.update({"tests.new.v1": made}),
    ],
)
def test_a_compatible_change_is_not_reported(registries, change):
    assert changed(change) == []


def test_a_new_version_with_an_upcaster_may_replace_the_old_one(registries):
    def bump(events, made):
        events["tests.made.v2"] = events.pop("tests.made.v1")

    without = changed(bump)
    upcast("tests.made.v1")(dict)

    assert len(without) == 1
    assert changed(bump) == []
