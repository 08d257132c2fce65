"""Which gateway speaks to which partner."""

from functools import cache
from typing import Final

from outbound.call import Idempotency
from providers.gateways.network import KeyedGateway, ReferenceGateway
from providers.gateways.protocol import Gateway

NAMES: Final[dict[str, Idempotency]] = {
    "network-a": Idempotency.A,
    "network-b": Idempotency.B,
    "network-c": Idempotency.C,
}


class UnknownGateway(Exception):
    """No gateway has this name."""


@cache
def gateway_named(name: str) -> Gateway:
    """Return the gateway that a partner's row names.

    Raises:
        UnknownGateway: there is none.
    """
    if name not in NAMES:
        raise UnknownGateway(f"{name!r}; known: {', '.join(NAMES)}")
    if NAMES[name] is Idempotency.C:
        return ReferenceGateway(NAMES[name])
    return KeyedGateway(NAMES[name])
