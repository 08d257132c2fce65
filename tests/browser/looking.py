"""Somebody at a browser: signs in, opens pages, and notices what a person or the browser would complain about."""

import json
from pathlib import Path
from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page, expect

PASSWORD: Final = "correct horse battery"
SHOTS: Final = Path(__file__).parents[2] / "var" / "screenshots"
PHONE: Final = {"width": 375, "height": 800}
DESK: Final = {"width": 1280, "height": 900}
PLACES: Final = {"": DESK, "-phone": PHONE}
SERIOUS: Final = {"serious", "critical"}
OVERFLOW: Final = (
    "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
)


class Looking:
    """A page, and what was wrong with it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.complaints: list[str] = []
        page.set_default_timeout(15_000)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        SHOTS.mkdir(parents=True, exist_ok=True)

    def sign_in(self, role: str) -> None:
        """Sign in as somebody in a role, by keyboard."""
        self.sign_in_as(f"{role.replace(' ', '-')}@example.com", PASSWORD)

    def sign_in_as(self, email: str, password: str) -> None:
        """Sign in by keyboard."""
        self.open("/admin/login/")
        for label, text in (("E-mail", email), ("Password", password)):
            self.press("Tab", until=label)
            self.page.keyboard.type(text)
        self.enter()
        expect(self.page).to_have_url(f"{self.url}/admin/")

    def open(self, path: str) -> None:
        """Open a page of the web admin."""
        self.page.goto(self.url + path)

    def enter(self) -> None:
        """Press Enter, and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def follow(self, name: str, *, key: str = "Tab") -> None:
        """Press a key until what has the focus is named so, and go where it leads."""
        self.press(key, until=name)
        self.enter()

    def press(self, key: str, *, until: str, at_most: int = 80) -> None:
        """Press a key until what has the focus is named so."""
        for _ in range(at_most):
            self.page.keyboard.press(key)
            if self.page.evaluate(NAME_OF_FOCUS) == until:
                return
        raise AssertionError(f"{until!r} is not reached by {key}")

    def examine(self, name: str) -> dict[str, Any]:
        """Photograph the page at a desk and on a phone; return what is wrong with it at either."""
        wrong: dict[str, Any] = {}
        for place, size in PLACES.items():
            self.page.set_viewport_size(size)
            self.page.screenshot(path=SHOTS / f"{name}{place}.png", full_page=not place)
            wrong[f"violations{place}"] = self.violations()
            wrong[f"too wide{place}"] = self.page.evaluate(OVERFLOW)
        return self._left(wrong)

    def glance(self, name: str) -> dict[str, Any]:
        """Photograph the page on a phone; return what is seen to be wrong with it without looking closely."""
        self.page.set_viewport_size(PHONE)
        self.page.screenshot(path=SHOTS / f"{name}-phone.png")
        return self._left({"too wide": self.page.evaluate(OVERFLOW)})

    def _left(self, wrong: dict[str, Any]) -> dict[str, Any]:
        """Return to the desk with what is wrong and what the browser has complained about."""
        wrong["complaints"], self.complaints[:] = list(self.complaints), []
        self.page.set_viewport_size(DESK)
        return {what: found for what, found in wrong.items() if found}

    def violations(self) -> list[str]:
        """Return what axe finds serious or worse, each with the first element that it found."""
        found = json.loads(json.dumps(Axe().run(self.page).response["violations"]))
        return [
            f"{one['id']} ({len(one['nodes'])}): {one['nodes'][0]['html'][:300]}"
            for one in found
            if one["impact"] in SERIOUS
        ]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)


NAME_OF_FOCUS: Final = """() => {
    const it = document.activeElement;
    if (!it || it === document.body) return "";
    const told = (it.labels?.[0] ?? it).cloneNode(true);
    told.querySelectorAll("[aria-hidden=true]").forEach((icon) => icon.remove());
    return (it.getAttribute("aria-label") ?? told.textContent).replace("*", "").trim();
}"""
"""What the thing that has the focus is called: by its label, or by its text."""
