"""What one thread breaks and brings back must not wait for itself."""

from types import SimpleNamespace

import httpx
import pytest

from tests.chaos import acts
from tests.chaos.plan import Fault


class Sandbox:
    """The process of the partners, and what it was told."""

    def __init__(self) -> None:
        self.running = False
        self.modes: list[str] = []

    def start(self, *, wait: bool) -> None:
        assert not self.running
        self.running = True

    def answer(self, url: str, *, json: dict[str, str]) -> httpx.Response:
        if not self.running:
            raise httpx.ConnectError("nobody listens")
        self.modes.append(json["mode"])
        return httpx.Response(200, json=json)


def test_an_outage_begins_and_ends_though_the_partners_were_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sandbox, undo = Sandbox(), []
    monkeypatch.setattr(acts.httpx, "post", sandbox.answer)
    stack = SimpleNamespace(processes={"sandbox": sandbox}, urls={"sandbox": "http://sandbox"})
    broken = acts.Acts(stack, later=lambda _, back: undo.append(back), witness=None)

    broken.do(Fault(at=0, act="outage", target="skyways", mode="hang"))
    sandbox.running = False
    undo[0]()

    assert sandbox.running
    assert sandbox.modes == ["hang", "ok"]
