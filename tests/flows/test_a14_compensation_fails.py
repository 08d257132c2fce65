"""A14, A15: a compensation fails: then succeeds; or for good, and a person is asked, while the others go on."""

from tests.flows.conftest import ONCE, Story


def test_a_cancellation_that_fails_is_made_again(story: Story) -> None:
    reservation = story.api.book(flight="cancel-fails-once", stay="sold-out-late", car="standard")

    found = story.api.get(reservation)
    assert (found["status"], found["progress"]["reason"]) == ("failed", "sold_out")
    assert story.orders(reservation) == {"skyways": ["cancelled"], "wheelio": ["cancelled"]}
    assert story.intents(reservation) == ["canceled"]
    story.check(reservation)


def test_a_cancellation_that_is_refused_is_parked_and_the_others_are_made(story: Story) -> None:
    _is_parked(story, "cancel-refused", "cancel_refused")


@ONCE
def test_a_cancellation_that_never_succeeds_is_parked_and_the_others_are_made(story: Story) -> None:
    _is_parked(story, "cancel-fails", "retries_exhausted")


def _is_parked(story: Story, product: str, reason: str) -> None:
    reservation = story.api.compose(flight=product, stay="sold-out-late", car="standard")
    story.api.pay_with(reservation, "pm_card_visa")
    story.api.confirm(reservation).raise_for_status()

    found = story.parked(reservation)

    [flight, *_] = found["items"]
    shown = story.saga("show", reservation)["progress"]
    assert found["status"] == "held"
    assert shown["attention_reason"] == f"compensation incomplete: book {flight['id']} ({reason})"
    assert story.orders(reservation) == {"skyways": ["confirmed"], "wheelio": ["cancelled"]}
    assert story.intents(reservation) == ["canceled"]
    assert "reservation.failed.v1" not in story.events(reservation)
