"""A20: the same request twice is one saga and the same answer; another body under the same key is refused."""

from concurrent.futures import ThreadPoolExecutor

from tests.flows.conftest import Story


def test_the_same_key_starts_one_saga_and_gets_the_same_answer(story: Story) -> None:
    reservation = story.api.compose(flight="standard")
    story.api.pay_with(reservation, "pm_card_visa")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: story.api.confirm(reservation, key="k1"), range(8)))
    story.api.until_final(reservation)
    again = story.api.confirm(reservation, key="k1")

    accepted = [answer for answer in answers if answer.status_code == 202]
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert accepted
    assert again.status_code == 202
    assert again.json() == accepted[0].json()
    assert [e["kind"] for e in story.api.timeline(reservation)].count("started") == 1
    story.check(reservation)


def test_another_body_under_the_same_key_is_refused(story: Story) -> None:
    key = {"Idempotency-Key": "compose-1"}
    offer = story.api.find("flight")
    chosen = {name: offer[name] for name in ("offer_id", "amount", "currency")}
    body = {"offers": [chosen], "travellers": [{"given_name": "Ada", "family_name": "One"}]}
    other = {**body, "travellers": [{"given_name": "Ada", "family_name": "Two"}]}

    first = story.api.http.post("reservations", json=body, headers=key)
    same = story.api.http.post("reservations", json=body, headers=key)
    different = story.api.http.post("reservations", json=other, headers=key)

    assert (first.status_code, same.status_code, different.status_code) == (201, 201, 422)
    assert same.json() == first.json()
    assert different.json()["code"] == "idempotency_key_reused"


def test_without_a_key_nothing_is_confirmed(story: Story) -> None:
    reservation = story.api.compose(flight="standard")
    story.api.pay_with(reservation, "pm_card_visa")

    answer = story.api.http.post(f"reservations/{reservation}/confirm", json={})

    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert story.api.get(reservation)["status"] == "draft"
