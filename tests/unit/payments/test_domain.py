"""What may be entered as a payment method."""

import pytest

from payments import domain
from payments.refusals import CardNumberRefused, PaymentDetailsRefused


@pytest.mark.parametrize("method", ["pm_card_visa", "pm_1MtwBwLkdIwHu7ix28a3tqPa"])
def test_a_token_passes(method: str) -> None:
    domain.check_method(method)


@pytest.mark.parametrize(
    "method",
    [
        "4242424242424242",
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "pm_4242424242424242",
        "my card is 378282246310005, thanks",
        "6011000990139424000 4242424242424242",
    ],
)
def test_a_card_number_is_refused_and_never_repeated(method: str) -> None:
    with pytest.raises(CardNumberRefused) as refused:
        domain.check_method(method)

    assert not any(character.isdigit() for character in str(refused.value))


@pytest.mark.parametrize(
    "method", ["", "visa", "pm_", "pm_a b", "pm_a\n", "PM_a", "pm_" + "a" * 99]
)
def test_what_is_no_token_is_refused(method: str) -> None:
    with pytest.raises(PaymentDetailsRefused) as refused:
        domain.check_method(method)

    assert refused.value.code == "payment_details_refused"
