"""Sessions of the web admin end by themselves, and are named so that neighbours cannot set them."""

import time

import pytest
from django.conf import settings
from django.test import Client

from backoffice import sessions
from tests.integration.backoffice.people import PASSWORD, somebody

pytestmark = pytest.mark.django_db
HOUR = 3600.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time; tests move it."""
    now = [time.time()]
    monkeypatch.setattr(sessions.time, "time", lambda: now[0])
    return now


@pytest.fixture
def office(client: Client, clock: list[float]) -> Client:
    user = somebody("support", password=PASSWORD)
    client.post("/admin/login/", {"username": user.email, "password": PASSWORD})
    return client


def is_in(client: Client, **headers: str) -> bool:
    return client.get("/admin/", headers=headers).status_code == 200


def test_a_session_ends_an_hour_after_its_last_use(office: Client, clock: list[float]) -> None:
    clock[0] += HOUR - 1
    used = is_in(office)
    clock[0] += HOUR + 1

    assert used
    assert not is_in(office)


def test_use_keeps_a_session_and_twelve_hours_end_it(office: Client, clock: list[float]) -> None:
    kept = []
    for _ in range(13):
        clock[0] += HOUR - 60
        kept.append(is_in(office))

    assert kept == [True] * 12 + [False]


def test_a_page_that_refreshes_itself_keeps_nobody_signed_in(
    office: Client, clock: list[float]
) -> None:
    kept = []
    for _ in range(7):
        clock[0] += HOUR / 6
        kept.append(is_in(office, **{"X-Live": "yes"}))

    assert kept == [True] * 6 + [False]


def test_the_session_gets_another_name_when_somebody_signs_in(client: Client) -> None:
    user = somebody("support", password=PASSWORD)
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = before = session.session_key

    client.post("/admin/login/", {"username": user.email, "password": PASSWORD})

    assert client.cookies[settings.SESSION_COOKIE_NAME].value != before


def test_a_new_password_ends_the_other_sessions(office: Client) -> None:
    user = office.get("/admin/").wsgi_request.user
    user.set_password("another horse battery")
    user.save()

    assert not is_in(office)
