"""A case can be written down and read again, whatever it is."""

import pytest

from tests.crash import labels
from tests.crash.faults import Case, CaseUnreadable
from tests.crash.stories import BY_NAME, STORIES


@pytest.mark.parametrize(
    "text",
    [
        "all-succeed/none",
        "all-succeed/kill@57:kept",
        "hotel-sold-out/kill@57:flushed/kill@3:kept",
        "capture-lost/call@3+:lost",
        "all-succeed/statement@12:cancelled",
    ],
)
def test_a_case_is_read_as_it_is_written(text: str) -> None:
    assert str(Case.parse(text)) == text


@pytest.mark.parametrize("text", ["a/kill", "a/kill@x:kept", "a/kill@1:lost", "a/what@1:kept"])
def test_what_is_no_case_is_refused(text: str) -> None:
    with pytest.raises(CaseUnreadable):
        Case.parse(text)


def test_stories_have_names_of_their_own() -> None:
    assert len(BY_NAME) == len(STORIES)


def test_a_label_leaves_out_what_exactly_was_written_or_asked() -> None:
    crossings = ["worker http PUT /orders/* before", "relay point relay.marked", "web ack before"]

    assert labels.of(crossings) == {"worker http before", "point relay.marked", "web ack before"}
