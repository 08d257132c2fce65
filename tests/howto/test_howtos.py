"""Each how-to is followed on a scratch copy of the project, and the files that it touches are counted."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import contexts
from tests.howto import following

PAGES = following.ROOT / "docs" / "how-to"
GENERATED = re.compile(
    r"^(docs/(events\.md|events\.lock\.json|sagas\.lock\.json|asyncapi/.*)|.*/migrations/.*)$"
)
BOOKING = tuple(f"{app}/" for app in contexts.CONTEXTS["booking"])


@pytest.fixture(scope="module")
def travel(tmp_path_factory: pytest.TempPathFactory) -> following.Copy:
    """The project in a folder of its own, for all pages in turn."""
    return following.copied(tmp_path_factory.mktemp("travel"))


@pytest.fixture
def copy(travel: following.Copy) -> Iterator[following.Copy]:
    """The copy as it was at first."""
    travel.reset()
    return travel


def counted(page: Path) -> list[int]:
    """Return the numbers of a page's table of files, from top to bottom."""
    table = page.read_text().partition("<!-- count:start -->")[2].partition("<!-- count:end -->")[0]
    return [int(number) for number in re.findall(r"\| (\d+) \|", table)]


def sorts(touched: set[str], *sorts: tuple[str, ...]) -> list[int]:
    """Count the touched files by where they are; the last number is of those that commands write."""
    written = {name for name in touched if GENERATED.match(name)}
    by_hand = touched - written
    found = [sum(name.startswith(places) for name in by_hand) for places in sorts]
    rest = len(by_hand) - sum(found)
    return [*found, rest, len(written)]


def test_a_listener_touches_no_file_of_the_publisher_and_becomes_a_context(
    copy: following.Copy,
) -> None:
    copy.follow(PAGES / "listener.md")
    as_listener = sorts(copy.touched(), BOOKING, ("loyalty/",))
    copy.keep("a listener")

    copy.follow(PAGES / "context.md")

    as_context = sorts(copy.touched(), (*BOOKING, "crm/"), ("loyalty/",))
    assert as_listener == counted(PAGES / "listener.md")
    assert as_context == counted(PAGES / "context.md")
    assert as_listener[0] == as_context[0] == 0


def test_a_step_touches_three_files(copy: following.Copy) -> None:
    copy.follow(PAGES / "step.md")

    # The README is written by a command here.
    by_hand, test, readme, written = sorts(copy.touched(), BOOKING, ("tests/",))

    assert [by_hand, test, readme + written] == counted(PAGES / "step.md")
    assert by_hand <= 3


def test_a_new_version_of_an_event_touches_no_listener(copy: following.Copy) -> None:
    copy.follow(PAGES / "event-version.md")

    publisher, listeners, rest, written = sorts(copy.touched(), BOOKING, ("crm/",))

    assert [publisher, listeners, written] == counted(PAGES / "event-version.md")
    assert (listeners, rest) == (0, 0)
