"""Which gateway speaks to which partner."""

from collections.abc import Callable
from functools import cache
from typing import Final

from django.conf import settings
from django.utils.module_loading import import_string

from outbound.call import Idempotency
from providers.gateways.network import BlindGateway, KeyedGateway, ReferenceGateway
from providers.gateways.protocol import Gateway

NAMES: Final[dict[str, Idempotency]] = {
    "network-a": Idempotency.A,
    "network-b": Idempotency.B,
    "network-c": Idempotency.C,
    "network-d": Idempotency.D,
}
_SPEAKS: Final[dict[Idempotency, Callable[[Idempotency], Gateway]]] = {
    Idempotency.A: KeyedGateway,
    Idempotency.B: KeyedGateway,
    Idempotency.C: ReferenceGateway,
    Idempotency.D: BlindGateway,
}


class UnknownGateway(Exception):
    """No gateway has this name."""


def known_names() -> tuple[str, ...]:
    """Return what a partner's row may name: the network's gateways, then those of the settings."""
    return (*NAMES, *settings.PARTNER_GATEWAYS)


@cache
def gateway_named(name: str) -> Gateway:
    """Return the gateway that a partner's row names.

    Raises:
        UnknownGateway: there is none.
    """
    if name not in known_names():
        raise UnknownGateway(f"{name!r}; known: {', '.join(known_names())}")
    if name not in NAMES:
        made: Gateway = import_string(settings.PARTNER_GATEWAYS[name])()
        return made
    return _SPEAKS[NAMES[name]](NAMES[name])
