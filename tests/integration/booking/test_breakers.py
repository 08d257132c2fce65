"""A partner's breaker as the flow of a booking sees it: any answer closes it, and its sagas go on at once."""

import pytest

from booking.orchestrator import engine, store
from booking.orchestrator.models import SagaEvent, SagaInstance
from providers import breakers
from providers.models import Breaker, Partner

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _look_closely(settings):
    settings.PARTNER_LOOK_SECONDS = -1
    yield
    breakers.forget()


def _half_open(slug):
    """Open a partner's breaker for a time that is up."""
    partner, now = Partner.objects.get(slug=slug), store.now()
    fields = {"rounds": 1, "opened_at": now, "open_until": now}
    Breaker.objects.update_or_create(partner=partner, defaults=fields)


def test_a_partner_that_says_it_knows_nothing_of_a_call_is_back(books):
    reservation_id = books.compose("skyways:error-once")
    books.ada.send(f"reservations/{reservation_id}/confirm", key="k")
    saga = SagaInstance.objects.get(subject_id=reservation_id)
    engine.advance(saga.pk)
    assert saga.calls.get(step="book").state == "unknown"
    books.forward(20)
    _half_open("skyways")

    engine.advance(saga.pk)

    kinds = SagaEvent.objects.filter(saga=saga, step="book").values_list("kind", flat=True)
    assert list(kinds) == ["unknown", "absent", "done"]
    assert not Breaker.objects.exists()
