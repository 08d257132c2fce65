"""A39: a provider's staff see their own customers only, over the API and in the back office."""

from collections.abc import Callable

import httpx

from tests.flows.conftest import ONCE, Story
from tests.patience import until

PASSWORD = "agents-look-after-travellers"


@ONCE
def test_staff_see_their_own_customers_only(
    story: Story, crm: Callable[[str], httpx.Client]
) -> None:
    airline, hotel, cars = crm("skyways"), crm("restwell"), crm("wheelio")
    path = f"crm/customers/{story.api.account_id}"
    story.api.book(flight="standard", stay="standard")
    for staff in (airline, hotel):
        until(lambda staff=staff: staff.get(path).status_code == 200, what="CRM hearing of it")

    for below in ("", "/timeline", "/notes", "/messages", "/preferences"):
        assert cars.get(path + below).status_code == 404, below
    note = airline.post(path + "/notes", json={"text": "Asked for an aisle seat."})

    assert note.status_code == 201
    assert [n["text"] for n in airline.get(path + "/notes").json()["results"]] == [
        "Asked for an aisle seat."
    ]
    assert hotel.get(path + "/notes").json()["results"] == []
    assert story.api.email not in cars.get("crm/customers").text
    assert story.api.email in airline.get("crm/customers").text


@ONCE
def test_the_back_office_keeps_them_apart_too(
    story: Story, crm: Callable[[str], httpx.Client]
) -> None:
    staff = crm("skyways")
    crm("wheelio")
    story.api.book(flight="standard")
    until(
        lambda: staff.get(f"crm/customers/{story.api.account_id}").status_code == 200,
        what="CRM hearing of it",
    )

    pages = {
        slug: back_office(story, slug).get("crm/profile/", params={"q": story.api.email}).text
        for slug in ("skyways", "wheelio")
    }

    assert f"crm/profile/{story.api.account_id}" in pages["skyways"]
    assert f"crm/profile/{story.api.account_id}" not in pages["wheelio"]


def back_office(story: Story, slug: str) -> httpx.Client:
    """Sign in to the web admin as a provider's staff."""
    web = httpx.Client(base_url=f"{story.stack.urls['web']}/admin/", timeout=30)
    web.get("login/")
    form = {
        "username": f"staff-{slug}@example.com",
        "password": PASSWORD,
        "csrfmiddlewaretoken": web.cookies["csrftoken"],
    }
    answer = web.post("login/", data=form, headers={"Referer": str(web.base_url)})
    assert answer.status_code == 302, answer.text
    return web
