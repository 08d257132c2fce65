"""Idempotency-Key: the same request twice acts once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, models

from booking import idempotency
from booking.models import IdempotencyRecord
from reservation import services as reservation


def request(**changes):
    return idempotency.Request(
        **{"scope": "user:1", "route": "POST /x", "key": "k", "fingerprint": "f"} | changes
    )


ANSWER = idempotency.Answer(status=202, headers={"Location": "/x/1"}, body='{"b": 1, "a": 2}')


def age(**moved):
    """Move the instants of every record into the past."""
    IdempotencyRecord.objects.update(
        **{name: models.F(name) - timedelta(seconds=seconds) for name, seconds in moved.items()}
    )


@pytest.mark.django_db
class TestRecord:
    """The record itself, without HTTP."""

    def test_an_answer_is_repeated_to_the_letter(self):
        idempotency.finish(idempotency.claim(request()), ANSWER)

        assert idempotency.claim(request()) == ANSWER

    @pytest.mark.parametrize("other", [{"scope": "user:2"}, {"route": "POST /y"}, {"key": "l"}])
    def test_a_key_belongs_to_one_person_and_one_route(self, other):
        idempotency.finish(idempotency.claim(request()), ANSWER)

        assert isinstance(idempotency.claim(request(**other)), idempotency.Claim)

    def test_another_body_under_the_same_key_is_refused_even_while_in_flight(self):
        idempotency.claim(request())

        with pytest.raises(idempotency.KeyReused):
            idempotency.claim(request(fingerprint="g"))

    def test_while_one_works_the_other_is_sent_away(self):
        idempotency.claim(request())

        with pytest.raises(idempotency.KeyInFlight):
            idempotency.claim(request())

    def test_the_lease_lasts_as_long_as_the_settings_say(self, settings):
        settings.IDEMPOTENCY_LEASE_SECONDS = 5
        idempotency.claim(request())

        age(leased_until=4, created_at=4)
        with pytest.raises(idempotency.KeyInFlight):
            idempotency.claim(request())

        age(leased_until=2, created_at=2)
        assert isinstance(idempotency.claim(request()), idempotency.Claim)

    def test_a_crashed_holder_is_taken_over_when_its_lease_ended(self):
        crashed = idempotency.claim(request())
        age(leased_until=61, created_at=61)

        heir = idempotency.claim(request())

        assert isinstance(heir, idempotency.Claim)
        with pytest.raises(idempotency.KeyInFlight):
            idempotency.commit_with_effects(crashed, ANSWER)
        idempotency.finish(heir, ANSWER)
        assert idempotency.claim(request()) == ANSWER

    def test_a_holder_that_crashed_after_its_effects_is_answered_for(self):
        idempotency.commit_with_effects(idempotency.claim(request()), ANSWER)
        with pytest.raises(idempotency.KeyInFlight):
            idempotency.claim(request())
        age(leased_until=16, created_at=16)

        assert idempotency.claim(request()) == ANSWER

    def test_an_abandoned_key_can_be_used_again_with_another_body(self):
        idempotency.abandon(idempotency.claim(request()))

        assert isinstance(idempotency.claim(request(fingerprint="g")), idempotency.Claim)

    def test_a_commit_that_only_seemed_to_fail_is_not_forgotten(self):
        claimed = idempotency.claim(request())
        idempotency.commit_with_effects(claimed, ANSWER)

        idempotency.abandon(claimed)

        age(leased_until=16, created_at=16)
        assert idempotency.claim(request()) == ANSWER

    def test_an_answer_is_forgotten_after_a_day(self):
        idempotency.finish(idempotency.claim(request()), ANSWER)
        idempotency.finish(idempotency.claim(request(key="other")), ANSWER)
        age(created_at=86_401)

        assert isinstance(idempotency.claim(request(fingerprint="g")), idempotency.Claim)
        assert IdempotencyRecord.objects.count() == 1

    def test_an_answer_is_kept_for_almost_a_day(self):
        idempotency.finish(idempotency.claim(request()), ANSWER)
        age(created_at=86_300)

        assert idempotency.claim(request()) == ANSWER


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_gets_through():
    barrier = threading.Barrier(8)

    def one(_):
        try:
            barrier.wait()
            return idempotency.claim(request())
        except idempotency.KeyInFlight:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(one, range(8)))

    assert sum(isinstance(outcome, idempotency.Claim) for outcome in outcomes) == 1
    assert IdempotencyRecord.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.usefixtures("partners")
class TestOverHttp:
    """The same, as a client sees it, on the POST that composes a reservation."""

    def test_the_same_request_twice_makes_one_reservation(self, ada, key):
        body = ada.trip(ada.offer())

        first, again = (ada.send("reservations", body, key=key) for _ in range(2))

        assert first.status_code == again.status_code == 201
        assert first.content == again.content
        assert first.headers["Location"] == again.headers["Location"]
        assert "Idempotent-Replayed" not in first.headers
        assert again.headers["Idempotent-Replayed"] == "true"
        assert len(reservation.of_account(account_id=ada.account_id)) == 1

    def test_without_a_key_each_request_counts(self, ada):
        body = ada.trip(ada.offer())

        for _ in range(2):
            ada.send("reservations", body)

        assert len(reservation.of_account(account_id=ada.account_id)) == 2

    def test_another_body_is_refused(self, ada, key):
        body = ada.trip(ada.offer())
        ada.send("reservations", body, key=key)

        other = body | {"travellers": [{"given_name": "Bea", "family_name": "Trip"}]}
        answer = ada.send("reservations", other, key=key)

        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")

    def test_the_order_of_members_makes_no_other_body(self, ada, key):
        body = ada.trip(ada.offer())
        ada.send("reservations", body, key=key)

        answer = ada.send("reservations", dict(reversed(body.items())), key=key)

        assert answer.headers["Idempotent-Replayed"] == "true"

    def test_two_travellers_may_choose_the_same_key(self, ada, eve, key):
        body = ada.trip(ada.offer())

        answers = [one.send("reservations", body, key=key) for one in (ada, eve)]

        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].json()["id"] != answers[1].json()["id"]

    def test_a_refusal_is_not_kept(self, ada, key):
        offer = ada.offer()
        refused = ada.send("reservations", ada.trip(offer | {"amount": "1.00"}), key=key)

        answer = ada.send("reservations", ada.trip(offer), key=key)

        assert (refused.status_code, answer.status_code) == (409, 201)

    def test_a_crash_is_not_kept_and_leaves_nothing(self, ada, key, monkeypatch):
        body = ada.trip(ada.offer())

        def crash(claimed, answer):
            raise ZeroDivisionError

        with monkeypatch.context() as broken:
            broken.setattr(idempotency, "commit_with_effects", crash)
            crashed = ada.send("reservations", body, key=key)

        assert (crashed.status_code, crashed.json()["code"]) == (500, "internal_error")
        assert reservation.of_account(account_id=ada.account_id) == []
        assert ada.send("reservations", body, key=key).status_code == 201

    def test_a_web_process_killed_after_the_commit_loses_no_answer(self, ada, key, monkeypatch):
        body = ada.trip(ada.offer())

        def killed(claimed, answer):
            raise SystemExit

        with monkeypatch.context() as dying:
            dying.setattr(idempotency, "finish", killed)
            with pytest.raises(SystemExit):
                ada.send("reservations", body, key=key)
        age(leased_until=16, created_at=16)

        answer = ada.send("reservations", body, key=key)

        [kept] = reservation.of_account(account_id=ada.account_id)
        assert answer.json()["id"] == str(kept.reservation_id)
        assert answer.headers["Idempotent-Replayed"] == "true"

    @pytest.mark.parametrize("bad", ["", " ", "a b", "é", "k" * 256, "a\x00b"])
    def test_an_impossible_key_is_refused(self, ada, bad):
        answer = ada.send("reservations", ada.trip(ada.offer()), key=bad)

        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_invalid")

    @pytest.mark.parametrize("action", ["confirm", "cancel"])
    def test_confirm_and_cancel_insist_on_a_key(self, ada, action):
        page = ada.composed()

        answer = ada.send(f"reservations/{page['id']}/{action}")

        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
        assert ada.get(page["links"]["self"]).json()["status"] == "draft"

    def test_in_flight_says_when_to_come_back(self, ada, key):
        page = ada.composed()
        path = f"reservations/{page['id']}/cancel"
        ada.send(path, key=key)
        IdempotencyRecord.objects.update(finished_at=None)

        answer = ada.send(path, key=key)

        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_in_flight")
        assert answer.headers["Retry-After"] == "1"


@pytest.mark.django_db(transaction=True)
def test_concurrent_twins_make_one_reservation(partners, key, ada):
    body, barrier = ada.trip(ada.offer()), threading.Barrier(4)

    def one(_):
        try:
            barrier.wait()
            return ada.send("reservations", body, key=key)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(one, range(4)))

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len(reservation.of_account(account_id=ada.account_id)) == 1
    assert ada.send("reservations", body, key=key).status_code == 201
