"""Who sends what: each pass is one login, some of the operations, and ids that are made up or real."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx

from devstack.process import NotReadyError
from devstack.stack import Stack
from devstack.traveller import Traveller

OWN: Final = "^(reservations_(read|timeline|payment|enter|confirm|cancel)|offers_quote)"
PATIENCE: Final = 30.0
AGENT: Final = {"email": "staff-skyways@example.com", "password": "agents-look-after-travellers"}


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One run of schemathesis: operations are chosen by patterns of their id."""

    name: str
    token: str
    include: str
    exclude: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


def made_on(stack: Stack) -> list[Pass]:
    """Let everybody sign in and have something; return the passes."""
    web = stack.urls["web"]
    logins = json.loads(stack.manage("seed").stdout)["logins"]
    traveller, leaving = Traveller(web).sign_up(), Traveller(web).sign_up()
    trip = traveller.book(flight="standard", stay="standard")
    own = {"reservation_id": trip, "offer_id": str(traveller.find("flight")["offer_id"])}
    customer = {"account_id": traveller.account_id}
    agent = _agent(stack, traveller.account_id)
    operator = next(login for login in logins if login["role"] == "operator")
    return [
        Pass(
            name="traveller", token=_token(traveller), include=".", exclude="^(crm|tokens_revoke)"
        ),
        Pass(name="own trip", token=_token(traveller), include=OWN, parameters=own),
        Pass(name="agent", token=agent, include="^crm"),
        Pass(name="own customer", token=agent, include="^crm", parameters=customer),
        Pass(name="operator", token=_sign_in(web, operator), include="^(sagas|accounts|problems)"),
        Pass(name="leaving", token=_token(leaving), include="^tokens_revoke"),
    ]


def _agent(stack: Stack, account_id: str) -> str:
    """Return the token of an agent to whom CRM has introduced the customer."""
    ends_at = time.monotonic() + PATIENCE
    while time.monotonic() < ends_at:
        stack.manage("crm_seed")
        token = _sign_in(stack.urls["web"], AGENT)
        customer = f"{stack.urls['web']}/api/v1/crm/customers/{account_id}"
        if httpx.get(customer, headers={"Authorization": f"Token {token}"}).is_success:
            return token
        time.sleep(0.5)
    raise NotReadyError(f"CRM has not heard of {account_id} within {PATIENCE:.0f} s")


def _sign_in(web: str, login: Mapping[str, str]) -> str:
    body = {name: login[name] for name in ("email", "password")}
    answer = httpx.post(f"{web}/api/v1/tokens", json=body, timeout=30)
    answer.raise_for_status()
    return str(answer.json()["token"])


def _token(traveller: Traveller) -> str:
    return traveller.http.headers["Authorization"].removeprefix("Token ")
