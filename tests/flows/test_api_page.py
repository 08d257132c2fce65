"""The trip in six requests of docs/api.md: typed as it is shown, it books a trip."""

import json
import re
import uuid
from pathlib import Path
from typing import Any

from devstack import judge
from tests.architecture import terminal
from tests.flows.conftest import ONCE, Story

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
[BLOCK] = re.findall(r"^```sh\n(.*?)^```", PAGE, re.S | re.M)  # the only one of the page
SETTINGS, *PARTS = re.split(r"^# \d\. .*\n", BLOCK, flags=re.M)


class Shell:
    """A terminal in which somebody types what the page says, filling in what was answered before."""

    def __init__(self, directory: Path, api: str) -> None:
        """Put `curl` and `uuidgen` on the path."""
        self._path = terminal.stand_ins(directory)
        self._settings = SETTINGS.replace("http://127.0.0.1:8000", api)
        self.known = ""

    def type(self, part: str) -> list[Any]:
        """Run a part; return the answer to each of its requests."""
        said = terminal.give(
            f"set -eu\n{self._settings}\n{self.known}\n{part}", seconds=60, PATH=self._path
        )
        return [json.loads(line) for line in said.splitlines() if line.strip()]


@ONCE
def test_the_six_requests_of_the_page_book_a_trip(story: Story, tmp_path: Path) -> None:
    sign_up, search, compose, pay, confirm, see = PARTS
    shell = Shell(tmp_path, story.stack.urls["web"])

    fresh = sign_up.replace("ada@example.com", f"{uuid.uuid4().hex}@example.com")
    [account] = shell.type(fresh)
    shell.known = f"AUTH='Authorization: Token {account['token']}'"
    [found] = shell.type(search)
    offer = next(one for one in found["offers"] if one["offer_id"].startswith("skyways:"))
    chosen = compose.replace("skyways:off_…", offer["offer_id"]).replace(
        '"412.50"', f'"{offer["amount"]}"'
    )
    [reservation] = shell.type(chosen)
    shell.known += f"\nID={reservation['id']}"
    shell.type(pay)
    [confirmed] = shell.type(confirm)
    [page, timeline] = shell.type(see)

    assert confirmed["status"] == page["status"] == "confirmed"
    assert timeline["timeline"]
    assert judge.violations(page, story.ledger(reservation["id"])) == []
