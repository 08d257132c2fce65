"""Too many requests are refused for a while, whoever counts."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from identity import endpoint, rates
from identity.models import Tally, User

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _limits_as_they_are(settings):
    settings.API_RATE_FACTOR = 1


def sign_in(email, password="wrong"):
    body = {"email": email, "password": password}
    return APIClient().post("/api/v1/tokens", body, format="json")


@pytest.mark.django_db
def test_signing_in_is_stopped_after_ten_times():
    User.objects.create_user("ada@example.com", PASSWORD)

    tokens = [sign_in("ada@example.com", PASSWORD).status_code for _ in range(10)]
    one_more = sign_in("Ada@Example.com", PASSWORD)

    assert tokens == [201] * 10
    assert (one_more.status_code, one_more.json()["code"]) == (429, "throttled")
    assert one_more.headers["Content-Type"] == "application/problem+json"
    assert 290 < int(one_more.headers["Retry-After"]) <= 300


@pytest.mark.django_db
def test_who_guesses_locks_nobody_else_out():
    User.objects.create_user("eve@example.com", PASSWORD)

    for _ in range(11):
        sign_in("ada@example.com")

    assert sign_in("eve@example.com", PASSWORD).status_code == 201


@pytest.mark.django_db
def test_a_window_that_is_over_counts_from_one_again():
    User.objects.create_user("ada@example.com", PASSWORD)
    for _ in range(11):
        last = sign_in("ada@example.com", PASSWORD)
    Tally.objects.update(ends_at=timezone.now() - timedelta(seconds=1))

    assert last.json()["code"] == "throttled"
    assert sign_in("ada@example.com", PASSWORD).status_code == 201


@pytest.mark.django_db
def test_old_windows_are_forgotten_and_addresses_never_stored():
    Tally.objects.create(key="old", count=1, ends_at=timezone.now() - timedelta(days=2))

    sign_in("ada@example.com")

    assert not Tally.objects.filter(key="old").exists()
    assert "ada" not in str(Tally.objects.values())


@pytest.mark.django_db(transaction=True)
def test_requests_at_once_are_all_counted():
    def count():
        for _ in range(25):
            Tally.add(key="k", seconds=60)
        connection.close()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Tally.objects.get().count == 100


@pytest.mark.django_db
def test_everything_together_has_a_limit_for_each_login(monkeypatch):
    few = rates.Rate(name="few", count=2, seconds=60, by="login")
    monkeypatch.setattr(endpoint, "REQUESTS", few)
    ada, eve = APIClient(), APIClient()
    for client, email in ((ada, "ada@example.com"), (eve, "eve@example.com")):
        client.force_authenticate(User.objects.create_user(email))

    answers = [ada.get("/api/v1/problems").status_code for _ in range(3)]

    assert answers == [200, 200, 429]
    assert eve.get("/api/v1/problems").status_code == 200
    assert not Tally.objects.exists()
