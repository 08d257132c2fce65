"""A40: a traveller opts out: no marketing message leaves; transactional ones do."""

from collections.abc import Callable
from pathlib import Path

import httpx

from tests.flows.conftest import ONCE, Story
from tests.patience import until


@ONCE
def test_whoever_opts_out_gets_no_marketing_but_what_belongs_to_the_trip(
    story: Story, crm: Callable[[str], httpx.Client]
) -> None:
    staff = crm("skyways")
    customer = f"crm/customers/{story.api.account_id}"
    story.api.book(flight="standard")
    until(lambda: staff.get(customer).status_code == 200, what="CRM hearing of it")

    say(staff, customer, granted=True)
    wanted = write(staff, customer, "marketing", "Summer in New York")
    assert settled(staff, customer, wanted) == ("sent", "")
    say(staff, customer, granted=False)
    unwanted = write(staff, customer, "marketing", "Winter in New York")
    voucher = write(staff, customer, "transactional", "Your gate has changed")

    assert settled(staff, customer, unwanted) == ("suppressed", "consent_withdrawn")
    assert settled(staff, customer, voucher) == ("sent", "")
    mails = mails_to(story)
    assert "Subject: Summer in New York" in mails
    assert "Subject: Your gate has changed" in mails
    assert "Subject: Confirmed: " in mails, "the airline's thank-you, which needs nobody's word"
    assert "Winter in New York" not in mails


def say(staff: httpx.Client, customer: str, *, granted: bool) -> None:
    """Record the traveller's word about marketing by e-mail."""
    word = {"channel": "email", "purpose": "marketing", "granted": granted}
    staff.put(f"{customer}/preferences", json={"preferences": [word]}).raise_for_status()


def write(staff: httpx.Client, customer: str, purpose: str, subject: str) -> str:
    """Queue a message; return its id."""
    words = {"purpose": purpose, "subject": subject, "body": "Read all about it."}
    answer = staff.post(f"{customer}/messages", json=words)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def settled(staff: httpx.Client, customer: str, message_id: str) -> tuple[str, str]:
    """Wait until a message has left or will not; return its status and why."""

    def end() -> tuple[str, str] | None:
        rows = staff.get(f"{customer}/messages").json()["results"]
        [row] = [row for row in rows if row["id"] == message_id]
        return (
            (row["status"], row["reason"]) if row["status"] not in ("queued", "sending") else None
        )

    found: tuple[str, str] = until(end, what="the message's end")
    return found


def mails_to(story: Story) -> str:
    """Return every mail that was sent to the traveller, one after another."""
    directory = Path(story.stack.directory) / "mail"
    mails = [
        text for path in directory.iterdir() for text in path.read_text().split("\n" + "-" * 79)
    ]
    return "\n".join(mail for mail in mails if f"To: {story.api.email}" in mail)
