"""The trip in six requests of docs/api.md: typed as it is shown, it books a trip."""

import json
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from devstack import judge
from tests.flows.conftest import ONCE, Story

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
[BLOCK] = re.findall(r"^```sh\n(API=.*?)^```", PAGE, re.S | re.M)
SETTINGS, *PARTS = re.split(r"^# \d\. .*\n", BLOCK, flags=re.M)
CURL = """#!{python}
# Stands for curl, which not every machine has: -s, -X, -H and -d as the page uses them.
import argparse, httpx
parser = argparse.ArgumentParser()
parser.add_argument("url")
parser.add_argument("-s", action="store_true")
parser.add_argument("-X", dest="method")
parser.add_argument("-H", dest="headers", action="append", default=[])
parser.add_argument("-d", dest="data")
asked = parser.parse_args()
method = asked.method or ("POST" if asked.data else "GET")
headers = dict(line.split(": ", 1) for line in asked.headers)
answer = httpx.request(method, asked.url, headers=headers, content=asked.data, timeout=30)
print(answer.raise_for_status().text)
"""
UUIDGEN = "#!/bin/sh\necho {uuid}\n"


class Shell:
    """A terminal in which somebody types what the page says, filling in what was answered before."""

    def __init__(self, directory: Path, api: str) -> None:
        """Put `curl` and `uuidgen` on the path."""
        for name, text in (
            ("curl", CURL.replace("{python}", sys.executable)),
            ("uuidgen", UUIDGEN.format(uuid=uuid.uuid4())),
        ):
            (directory / name).write_text(text)
            (directory / name).chmod(0o755)
        self._env = {"PATH": f"{directory}:{os.environ['PATH']}"}
        self._settings = SETTINGS.replace("http://127.0.0.1:8000", api)
        self.known = ""

    def type(self, part: str) -> list[Any]:
        """Run a part; return the answer to each of its requests."""
        done = subprocess.run(
            ["bash", "-euc", f"{self._settings}\n{self.known}\n{part}"],
            env=self._env,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


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
