"""How often what may be asked: each limit with what it counts by."""

from dataclasses import dataclass
from typing import Final, Literal

By = Literal["client", "login", "address"]


@dataclass(frozen=True, kw_only=True)
class Rate:
    """So many requests in so many seconds: of a client (by IP address), a login, or about an e-mail address."""

    name: str
    count: int
    seconds: int
    by: By


MINUTE: Final = 60
HOUR: Final = 60 * MINUTE

SIGN_IN: Final = (
    Rate(name="sign-in", count=10, seconds=5 * MINUTE, by="address"),
    Rate(name="sign-in", count=100, seconds=5 * MINUTE, by="client"),
)
SIGN_UP: Final = (Rate(name="sign-up", count=50, seconds=HOUR, by="client"),)
MAIL: Final = (
    Rate(name="mail", count=5, seconds=HOUR, by="address"),
    Rate(name="mail", count=50, seconds=HOUR, by="client"),
)
KEY: Final = (Rate(name="key", count=30, seconds=5 * MINUTE, by="client"),)
PASSWORD: Final = (Rate(name="password", count=10, seconds=5 * MINUTE, by="login"),)
SEARCH: Final = (Rate(name="search", count=120, seconds=MINUTE, by="login"),)
"""Each asks every partner of a kind."""

REQUESTS: Final = Rate(name="requests", count=1200, seconds=MINUTE, by="login")
"""Of everything, in each web process."""
