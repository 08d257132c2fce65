"""A client that a well-kept generator makes from the document books a trip, with types and without a warning."""

import importlib
import subprocess
import sys
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.flows.conftest import ONCE, Story

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
PACKAGE = "travel_client"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Generate the client; return how to import a module of it."""
    place = tmp_path_factory.mktemp("generated")
    (place / "config.yaml").write_text("post_hooks: []\n")
    command = [
        *(str(Path(sys.executable).parent / "openapi-python-client"), "generate"),
        *("--path", str(DOCUMENT), "--output-path", str(place / PACKAGE), "--meta", "none"),
        *("--config", str(place / "config.yaml"), "--fail-on-warning"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(place))
    yield lambda name: importlib.import_module(f"{PACKAGE}.{name}")
    sys.path.remove(str(place))


@ONCE
def test_the_generated_client_books_a_trip(story: Story, generated: Any) -> None:
    models: ModuleType = generated("models")
    web = story.stack.urls["web"]
    account = generated("api.accounts.accounts_create").sync(
        client=generated("client").Client(base_url=web),
        body=models.SignUp(
            email=f"typed-{uuid.uuid4()}@example.com",
            password="correct horse battery staple",
            full_name="Ada Typed",
        ),
    )
    client = generated("client").AuthenticatedClient(
        base_url=web, token=account.token, prefix="Token"
    )

    offers = (
        generated("api.offers.offers_search")
        .sync(
            client=client,
            kind=models.OffersSearchKind.FLIGHT,
            date=date.today() + timedelta(days=100),
            origin="LHR",
            destination="JFK",
        )
        .offers
    )
    offer = next(one for one in offers if one.product == "standard")
    trip = generated("api.reservations.reservations_compose").sync(
        client=client,
        body=models.NewReservation(
            offers=[models.SelectedOffer(offer.offer_id, offer.amount, offer.currency)],
            travellers=[models.NewTraveller(given_name="Ada", family_name="Typed")],
        ),
    )
    generated("api.reservations.reservations_enter_payment_details").sync(
        trip.id, client=client, body=models.PaymentMethod(method="pm_card_visa")
    )
    booked = generated("api.reservations.reservations_confirm").sync(
        trip.id, client=client, idempotency_key=str(uuid.uuid4()), prefer="wait=10"
    )

    assert booked.status == "confirmed"
    assert booked.items[0].order.status == "booked"
    assert booked.confirmed_at <= datetime.now(UTC)
    assert booked.payment.captured_amount == offer.amount


@ONCE
def test_the_generated_client_is_told_a_refusal_as_a_problem(story: Story, generated: Any) -> None:
    client = generated("client").AuthenticatedClient(
        base_url=story.stack.urls["web"], token="x" * 64, prefix="Token"
    )

    refused = generated("api.accounts.accounts_me").sync(client=client)

    assert (type(refused).__name__, refused.code) == ("Problem", "token_invalid")


@ONCE
def test_what_the_web_server_refuses_itself_is_a_problem_too(story: Story) -> None:
    answer = story.api.http.get("offers", params={"place": "x" * 5000})

    assert (answer.status_code, answer.json()["code"]) == (414, "uri_too_long")
    assert answer.headers["Content-Type"] == "application/problem+json"
