"""What a payment's state at the processor means for an authorisation and for a capture."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from outbound.call import Waiting
from payments import operations, refusals
from payments.gateways.protocol import Intent, IntentState, UnexpectedAnswer
from payments.operations import AnswerMismatch, PaymentAnswer, PaymentRequest

REQUEST = PaymentRequest(payment_id="p", intent_id="pi_1", amount="10.00", currency="EUR")
ANSWER = PaymentAnswer(intent_id="pi_1", amount="10.00", currency="EUR")


def intent(state: IntentState, *, amount: str = "10.00", decline_code: str = "") -> Intent:
    return Intent(
        id="pi_1",
        state=state,
        amount=Decimal("10.00"),
        currency="EUR",
        capturable_amount=Decimal(amount),
        captured_amount=Decimal(amount),
        decline_code=decline_code,
    )


@pytest.mark.parametrize(
    ("read", "state", "expected"),
    [
        (operations.authorisation, IntentState.AUTHORISED, ANSWER),
        (operations.authorisation, IntentState.UNCONFIRMED, None),
        (operations.capture, IntentState.CAPTURED, ANSWER),
        (operations.capture, IntentState.AUTHORISED, None),
    ],
)
def test_done_is_an_answer_and_not_begun_is_absent(
    read: Callable[[PaymentRequest, Intent], PaymentAnswer | None],
    state: IntentState,
    expected: PaymentAnswer | None,
) -> None:
    assert read(REQUEST, intent(state)) == expected


@pytest.mark.parametrize(
    ("read", "state", "error"),
    [
        (operations.authorisation, IntentState.REFUSED, refusals.Declined),
        (operations.authorisation, IntentState.CANCELLED, refusals.AuthorisationLost),
        (operations.authorisation, IntentState.WAITING, Waiting),
        (operations.authorisation, IntentState.PROCESSING, UnexpectedAnswer),
        (operations.authorisation, IntentState.CAPTURED, UnexpectedAnswer),
        (operations.capture, IntentState.CANCELLED, refusals.AuthorisationLost),
        (operations.capture, IntentState.PROCESSING, UnexpectedAnswer),
        (operations.capture, IntentState.WAITING, UnexpectedAnswer),
        (operations.capture, IntentState.UNCONFIRMED, UnexpectedAnswer),
        (operations.capture, IntentState.REFUSED, UnexpectedAnswer),
    ],
)
def test_every_other_state_is_a_no_a_wait_or_unknown(
    read: Callable[[PaymentRequest, Intent], PaymentAnswer | None],
    state: IntentState,
    error: type[Exception],
) -> None:
    with pytest.raises(error):
        read(REQUEST, intent(state))


def test_a_failed_3d_secure_has_its_own_code() -> None:
    failed = intent(IntentState.REFUSED, decline_code="payment_intent_authentication_failure")

    with pytest.raises(refusals.AuthenticationFailed):
        operations.authorisation(REQUEST, failed)


def test_another_amount_than_asked_is_unknown() -> None:
    with pytest.raises(AnswerMismatch):
        operations.authorisation(REQUEST, intent(IntentState.AUTHORISED, amount="9.99"))
