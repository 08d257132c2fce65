"""Every page of the web admin, looked at in a browser: by everybody, on a phone too."""

from typing import Any

from tests.browser.looking import Looking
from tests.browser.story import World


def pages_of_an_operator(world: World) -> dict[str, str]:
    return {
        "home": "/admin/",
        "flows": "/admin/booking/sagainstance/",
        "trip-booked": f"/admin/booking/sagainstance/trip/{world.booked}/",
        "trip-parked": f"/admin/booking/sagainstance/trip/{world.parked}/",
        "discrepancies": "/admin/booking/discrepancy/",
        "accounts": "/admin/booking/account/",
        "reservations": "/admin/reservation/reservation/",
        "reservation": f"/admin/reservation/reservation/{world.booked}/change/",
        "partners": "/admin/providers/partner/",
        "partner-new": "/admin/providers/partner/add/",
        "orders": "/admin/providers/order/",
        "payments": "/admin/payments/payment/",
        "log": "/admin/eventbus/outboxentry/",
        "event": f"/admin/eventbus/outboxentry/{world.event}/change/",
        "events-about": f"/admin/eventbus/outboxentry/about/{world.booked}/",
        "catalogue": "/admin/eventbus/outboxentry/catalogue/",
        "inbox": "/admin/eventbus/inboxentry/?status__exact=dead",
        "dead-letter": f"/admin/eventbus/inboxentry/{world.dead}/change/",
        "logins": "/admin/identity/user/",
        "login-new": "/admin/identity/user/add/",
        "locks": "/admin/identity/signinlock/",
        "membership-new": "/admin/crm/membership/add/",
        "audit-log": "/admin/backoffice/auditentry/",
    }


def pages_of_staff(world: World) -> dict[str, str]:
    return {
        "staff-home": "/admin/",
        "customers": "/admin/crm/relationship/",
        "customer": f"/admin/crm/relationship/{world.relationship}/change/",
        "interactions": "/admin/crm/interaction/",
        "note-new": "/admin/crm/note/add/",
        "preference-new": "/admin/crm/consent/add/",
    }


def examined(looking: Looking, pages: dict[str, str]) -> dict[str, Any]:
    wrong = {}
    for name, path in pages.items():
        looking.open(path)
        if found := looking.examine(name):
            wrong[name] = found
    return wrong


def test_nothing_is_wrong_with_a_page_of_an_operator(world: World, looking: Looking) -> None:
    at_the_door = examined(looking, {"sign-in": "/admin/login/"})
    looking.sign_in("operator")

    wrong = examined(looking, pages_of_an_operator(world))

    assert at_the_door | wrong == {}


def test_nothing_is_wrong_with_a_page_of_provider_staff(world: World, looking: Looking) -> None:
    looking.sign_in("provider staff")

    assert examined(looking, pages_of_staff(world)) == {}
