"""The strict JSON parser."""

import io
from decimal import Decimal

import pytest
from django.conf import settings
from rest_framework.exceptions import ParseError

from identity import parsing, problems


def test_an_object_arrives_with_exact_numbers():
    body = '{"amount": 19.10, "name": "Zoë", "many": [1, null, true]}'.encode()

    read = parsing.read_object(body)

    assert read == {"amount": Decimal("19.10"), "name": "Zoë", "many": [1, None, True]}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b'{"a": 1, "a": 2}',
        b'{"outer": {"a": 1, "a": 2}}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": "x\\u0000y"}',
        b'{"a\\u0000": 1}',
        b'{"a": "\\ud800"}',
        b'{"a": ["\\udfff"]}',
        b'{"a": "\xff"}',
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": ' + b"[" * 21 + b"]" * 21 + b"}",
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    ],
    ids=lambda body: repr(body[:30]),
)
def test_what_is_doubtful_is_refused(body):
    with pytest.raises(ParseError):
        parsing.read_object(body)


def test_a_whole_surrogate_pair_is_a_character_like_any_other():
    read = parsing.read_object(b'{"face": "\\ud83d\\ude00"}')

    assert read == {"face": "\N{GRINNING FACE}"}


def test_a_body_over_the_limit_is_refused_without_being_parsed():
    stream = io.BytesIO(b" " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1))

    with pytest.raises(problems.Problem) as refused:
        parsing.StrictJSONParser().parse(stream)

    assert refused.value.kind.code == "body_too_large"
