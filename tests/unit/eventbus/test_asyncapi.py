"""AsyncAPI documents: valid against the official schema, and saying who sends and who receives.

`asyncapi-3.0.0.schema.json` is `schemas/3.0.0.json` of the npm package @asyncapi/specs 6.11.1
(Apache-2.0), without its white space.
"""

import json
from pathlib import Path

import jsonschema
import pytest

from eventbus import asyncapi, events

SCHEMA = json.loads((Path(__file__).parent / "asyncapi-3.0.0.schema.json").read_text())


@pytest.fixture(scope="module")
def validator():
    return jsonschema.Draft7Validator(SCHEMA)


@pytest.mark.parametrize("context", asyncapi.contexts())
def test_every_document_is_valid_asyncapi(validator, context):
    document = asyncapi.document(context=context)

    assert [error.message for error in validator.iter_errors(document)] == []


def test_the_schema_would_notice_a_mistake(validator):
    document = asyncapi.document(context="crm")
    next(iter(document["operations"].values()))["action"] = "shout"

    assert not validator.is_valid(document)


@pytest.mark.parametrize("context", asyncapi.contexts())
def test_every_reference_leads_somewhere(context):
    document = asyncapi.document(context=context)

    for reference in _references(document):
        found = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found


def test_booking_sends_what_it_owns_and_crm_receives_what_it_hears():
    booking, crm = (asyncapi.document(context=name) for name in ("booking", "crm"))

    assert {o["action"] for o in booking["operations"].values()} == {"send"}
    assert len(booking["operations"]) == len(
        [t for t in events.TYPES.values() if t.app in ("booking", *SERVICES)]
    )
    heard = crm["operations"]["receive.crm.handlers.record_confirmed_trip"]
    assert heard["action"] == "receive"
    assert heard["messages"] == [{"$ref": "#/channels/booking/messages/reservation.confirmed.v1"}]
    assert heard["x-redis"]["group"] == "crm"


def test_the_binding_for_redis_stays_empty_as_it_must():
    document = asyncapi.document(context="booking")

    assert document["channels"]["booking"]["bindings"] == {"redis": {}}
    assert document["channels"]["booking"]["x-redis"]["key"] == "eb:{booking}:<epoch>"


def test_personal_fields_are_marked_in_the_payload():
    schemas = asyncapi.document(context="booking")["components"]["schemas"]

    assert schemas["AccountRegistered"]["properties"]["email"]["x-personal"] is True
    assert "x-personal" not in schemas["AccountRegistered"]["properties"]["locale"]


SERVICES = ("reservation", "providers", "payments")


def _references(tree):
    if isinstance(tree, dict):
        if "$ref" in tree:
            yield tree["$ref"]
        for value in tree.values():
            yield from _references(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _references(value)
