"""The sandbox behind the API, as Booking's tests have it, and the cast of the authorisation matrix."""

from importlib import import_module

import pytest

from tests.integration.booking.conftest import ada, eve, key, partners, sandbox  # noqa: F401


@pytest.fixture
def cast(partners, django_user_model):  # noqa: F811 - a fixture is named where it is asked for
    """Return everybody who may come to the API, each with something of their own."""
    # Django is not set up yet when pytest reads this file.
    return import_module("tests.integration.api.cast").Cast(partners)
