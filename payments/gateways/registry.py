"""The card processor that the settings name."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from payments.gateways.protocol import Gateway


def gateway() -> Gateway:
    """Return the gateway of `settings.PAYMENT_GATEWAY`."""
    return _gateway(settings.PAYMENT_GATEWAY)


@cache
def _gateway(path: str) -> Gateway:
    made: Gateway = import_string(path)()
    return made
