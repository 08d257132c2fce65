"""The web admin in a browser: nothing is wrong with any page, and people get done what they come for.

By keyboard alone where nothing else is said. The tests share one world, which the last ones change.
"""

import re

import pytest
from playwright.sync_api import expect

from backoffice.models import AuditEntry
from booking.models import SagaInstance
from crm.models import Note, Relationship
from eventbus import testing
from eventbus.models import InboxEntry, OutboxEntry
from tests.browser.looking import PASSWORD, PHONE, Looking
from tests.browser.story import World

OPERATOR = "operator@example.com"
PAGES = {
    "operator": {
        "home": "",
        "flows": "booking/sagainstance/",
        "trip-booked": "booking/sagainstance/trip/{world.booked}/",
        "trip-parked": "booking/sagainstance/trip/{world.parked}/",
        "discrepancies": "booking/discrepancy/",
        "accounts": "booking/account/",
        "reservations": "reservation/reservation/",
        "reservation": "reservation/reservation/{world.booked}/change/",
        "partners": "providers/partner/",
        "partner-new": "providers/partner/add/",
        "payments": "payments/payment/",
        "log": "eventbus/outboxentry/",
        "event": "eventbus/outboxentry/{world.event}/change/",
        "events-about": "eventbus/outboxentry/about/{world.booked}/",
        "catalogue": "eventbus/outboxentry/catalogue/",
        "inbox": "eventbus/inboxentry/?status__exact=dead",
        "dead-letter": "eventbus/inboxentry/{world.dead}/change/",
        "logins": "identity/user/",
        "login-new": "identity/user/add/",
        "role-new": "auth/group/add/",
        "locks": "identity/signinlock/",
        "membership-new": "crm/membership/add/",
        "audit-log": "backoffice/auditentry/",
    },
    "provider staff": {
        "staff-home": "",
        "customers": "crm/relationship/",
        "customer": "crm/relationship/{world.relationship}/change/",
        "interactions": "crm/interaction/",
        "note-new": "crm/note/add/",
        "preference-new": "crm/consent/add/",
    },
}
"""Role -> its pages under /admin/, each with the name of its picture."""
COMPILES = """() => new Promise((tell) => setTimeout(() => {
    try { tell(Boolean(new Function("return 1")())); } catch { tell(false); }
}))"""
"""Whether the page lets a script make code out of text; asked later, as the browser's tools themselves may."""


@pytest.mark.parametrize("role", PAGES)
def test_nothing_is_wrong_with_any_page(world: World, looking: Looking, role: str) -> None:
    wrong = {}
    looking.sign_in(role)

    for name, path in PAGES[role].items():
        looking.open(f"/admin/{path.format(world=world)}")
        wrong[name] = looking.examine(name)

    assert {name: found for name, found in wrong.items() if found} == {}


def test_every_other_page_of_the_menu_fits_on_a_phone(looking: Looking) -> None:
    looking.sign_in("operator")
    menu = looking.page.locator("#nav-sidebar a").evaluate_all(
        "links => links.map(link => link.pathname.replace('/admin/', ''))"
    )
    examined = {path.partition("?")[0] for path in PAGES["operator"].values()}

    wrong = {}
    for path in sorted(set(menu) - examined):
        looking.open(f"/admin/{path}")
        wrong[path] = looking.glance(path.strip("/").replace("/", "-"))

    assert {path: found for path, found in wrong.items() if found} == {}
    assert wrong


def test_colours_and_menu_are_switched_by_scripts_that_compile_nothing(looking: Looking) -> None:
    page, keys = looking.page, looking.page.keyboard
    looking.sign_in("support")
    menu = page.locator("#nav-sidebar")

    looking.press("Tab", until="Your account")
    keys.press("Enter")
    looking.press("Shift+Tab", until="Dark")
    keys.press("Enter")
    page.get_by_role("button", name="Menu").locator("visible=true").press("Enter")
    expect(menu).to_be_hidden()
    page.reload()

    expect(page.locator("html")).to_have_class("dark")
    expect(menu).to_be_hidden()
    assert looking.examine("home-dark") == {}
    assert page.evaluate(COMPILES) is False


def test_an_operator_signs_in_and_out(world: World, looking: Looking) -> None:
    keys = looking.page.keyboard
    before = AuditEntry.objects.count()
    looking.open("/admin/")
    assert looking.examine("sign-in") == {}

    looking.press("Tab", until="E-mail")
    keys.type(OPERATOR)
    looking.press("Tab", until="Password")
    keys.type("wrong")
    looking.enter()
    expect(looking.page.get_by_text("Please enter the correct")).to_be_visible()
    looking.press("Tab", until="Password")
    keys.type(PASSWORD)
    looking.enter()
    expect(looking.page).to_have_url(f"{looking.url}/admin/")
    looking.press("Tab", until="Your account")
    keys.press("Enter")
    looking.follow("Log out", key="Shift+Tab")

    said = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(said[before:]) == [
        "sign-in refused",
        "signed in",
        "signed out",
    ]


def test_provider_staff_see_their_own_customers_and_nothing_else(
    world: World, looking: Looking
) -> None:
    looking.sign_in("provider staff")
    menu = looking.page.locator("#nav-sidebar")

    looking.open("/admin/crm/relationship/")
    expect(looking.page.locator("#result_list tbody tr")).to_have_count(1)
    looking.open(f"/admin/crm/relationship/{world.relationship}/change/")
    expect(looking.page.get_by_role("heading", name="Ada Trip at SkyWays Airlines")).to_be_visible()
    looking.open(f"/admin/crm/relationship/{world.foreign}/change/")
    expect(looking.page.get_by_text("doesn’t exist")).to_be_visible()

    assert "Wheelio" not in looking.page.content()
    assert "Flows" not in menu.inner_text()
    assert "Customers" in menu.inner_text()
    for path in ("booking/sagainstance/", f"booking/sagainstance/trip/{world.booked}/"):
        answer = looking.page.goto(f"{looking.url}/admin/{path}")
        assert answer is not None
        assert answer.status == 403


def test_provider_staff_add_a_note(world: World, looking: Looking) -> None:
    keys = looking.page.keyboard
    looking.sign_in("provider staff")
    looking.follow("Customers")
    looking.follow("Ada Trip")

    looking.follow("Add a note")
    looking.press("Tab", until="Text")
    keys.type("Prefers the aisle.")
    looking.follow("Save")

    expect(looking.page.get_by_text("was added successfully")).to_be_visible()
    note = Note.objects.get()
    assert (note.text, note.provider.slug) == ("Prefers the aisle.", "skyways")
    looking.open(f"/admin/crm/relationship/{world.relationship}/change/")
    expect(looking.page.get_by_text("Prefers the aisle.")).to_be_visible()


def test_lists_are_reached_and_filtered_on_a_phone(world: World, looking: Looking) -> None:
    looking.sign_in("support")
    looking.page.set_viewport_size(PHONE)

    looking.press("Tab", until="Menu")
    looking.page.keyboard.press("Enter")
    assert looking.violations() == []
    looking.follow("Flows", key="Shift+Tab")
    looking.press("Tab", until="Filters")
    looking.page.keyboard.press("Enter")
    assert looking.violations() == []
    looking.follow("Yes")

    expect(looking.page).to_have_url(re.compile("parked=yes"))
    expect(looking.page.locator("#result_list tbody tr")).to_have_count(1)


def test_an_operator_releases_a_dead_letter(world: World, looking: Looking) -> None:
    keys = looking.page.keyboard
    looking.sign_in("operator")
    looking.follow("payments.captured.v9 at crm.handlers.record_payment")
    expect(looking.page.get_by_text("Parked behind it")).to_be_visible()
    # What was wrong is put right.
    OutboxEntry.objects.filter(type="payments.captured.v9").update(type="payments.captured.v1")

    looking.follow("Try again…")
    looking.press("Tab", until="Reason")
    keys.type("The reader is fixed.")
    looking.follow("Try again")
    expect(looking.page.get_by_text("tries again.")).to_be_visible()
    testing.deliver()

    assert not InboxEntry.objects.exclude(status="done").exists()
    assert Relationship.objects.get(pk=world.relationship).confirmed_trips == 1
    assert AuditEntry.objects.get(action="retry").reason == "The reader is fixed."


def test_an_operator_settles_a_parked_flow(world: World, looking: Looking) -> None:
    keys = looking.page.keyboard
    looking.sign_in("operator")
    looking.follow(f"confirm-reservation {world.parked}")

    looking.follow("Settle a call…")
    looking.press("Tab", until="What became of it")
    keys.press("ArrowUp")
    looking.press("Tab", until="Evidence")
    keys.type("Invoice 4711 is paid by us.")
    assert looking.examine("deed") == {}
    looking.follow("Settle a call")
    expect(looking.page.get_by_text("is settled; it goes on.")).to_be_visible()
    world.books.work(world.parked)

    # The page was open all the while, and notices by itself.
    expect(looking.page.locator("#facts-title .is-failed")).to_be_visible()
    audit = AuditEntry.objects.get(action="resolve")
    assert SagaInstance.objects.get(pk=world.saga).state == "failed"
    assert (audit.actor, audit.reason) == (OPERATOR, "Invoice 4711 is paid by us.")
