"""Every command that the documents show is given somewhere."""

import pytest

from tests.architecture import documents, shown

SHOWN = shown.shown()
GIVEN = shown.given()


@pytest.mark.parametrize(("where", "command"), SHOWN)
def test_every_command_shown_is_given_by_a_test_or_by_ci(where: str, command: str) -> None:
    assert shown.givers(command, GIVEN), f"{where}: nobody gives {command}"


def test_commands_are_found_in_blocks_and_between_the_words() -> None:
    assert ("docs/testing.md", "make chaos SEED=1 MINUTES=4") in SHOWN
    assert ("README.md", "make stop") in SHOWN
    assert len(SHOWN) > 150
    assert not {one.command for one in GIVEN} & {"", "make"}


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ('make chaos SEED=3 MINUTES=0.2 ARGS="--calm 2"', "make chaos SEED=1 MINUTES=4"),
        ('make crash ARGS="--thorough --only one --every 4"', "make crash ARGS=--thorough"),
        ("WEB_PORT=0 make run", "make run"),
        ("manage.py saga show 1 --json", "python manage.py saga show"),
    ],
)
def test_a_bounded_form_gives_the_command(given: str, command: str) -> None:
    assert shown.covers(given, command)


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ("make crash ARGS=--quick", "make crash ARGS=--thorough"),
        ("make crash", "make chaos"),
        ("make property", "make property EXAMPLES=2000"),
        ("manage.py saga show", "manage.py saga show --json"),
        ("manage.py saga list", "manage.py eventbus list"),
    ],
)
def test_another_command_or_one_that_lacks_words_does_not(given: str, command: str) -> None:
    assert not shown.covers(given, command)


def test_a_line_that_goes_on_is_one_command() -> None:
    lines = documents.shell("docs/api.md")

    assert any(line.startswith("curl") and "Prefer: wait=10" in line for line in lines)
