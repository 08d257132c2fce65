"""The API's document in docs/ is the one that is served, so that whoever changes the API sees it in the diff."""

import json

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer2

from tests.architecture.documents import ROOT

KEPT = ROOT / "docs" / "openapi.json"


def generated() -> bytes:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    return bytes(OpenApiJsonRenderer2().render(schema, renderer_context={}))


def test_the_document_in_docs_is_the_one_of_the_code():
    assert json.loads(KEPT.read_text()) == json.loads(generated()), "run make openapi"
