"""What travels over HTTP about logins."""

from typing import Any

from rest_framework import serializers

from identity.api import fields


class Credentials(serializers.Serializer[Any]):
    """An address and the password that belongs to it."""

    email = fields.Text(max_length=254)
    password = fields.Text(max_length=1024, trim_whitespace=False)


class Address(serializers.Serializer[Any]):
    """An e-mail address."""

    email = fields.Text(max_length=254)


class Key(serializers.Serializer[Any]):
    """A key that came by mail."""

    key = fields.Text(max_length=200)


class NewPassword(Key):
    """A key that came by mail, and the password it is to set."""

    password = fields.Text(max_length=1024, trim_whitespace=False)


class IssuedToken(serializers.Serializer[Any]):
    """A new token; send it as `Authorization: Token …`. It is shown this once."""

    id = serializers.CharField(help_text="Names the token in the list; not a secret.")
    token = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)


class Token(serializers.Serializer[Any]):
    """A token of the user who asks."""

    id = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    current = serializers.BooleanField(help_text="Whether this request was made with it.")


class Tokens(serializers.Serializer[Any]):
    """Every token of the user who asks, newest first."""

    tokens = Token(many=True)


class ProblemError(serializers.Serializer[Any]):
    """One thing that is wrong with a request."""

    pointer = serializers.CharField(
        required=False, help_text="JSON pointer into the body, such as `#/travellers/0/given_name`."
    )
    parameter = serializers.CharField(required=False, help_text="Name of a query parameter.")
    code = serializers.CharField()
    detail = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """A problem document (RFC 9457); branch on `code`, show `detail` to people."""

    type = serializers.URLField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    code = serializers.CharField()
    request_id = serializers.CharField()
    errors = ProblemError(many=True, required=False)  # type: ignore[assignment]


class ProblemKind(serializers.Serializer[Any]):
    """One entry of the problem catalogue."""

    code = serializers.CharField()
    status = serializers.IntegerField()
    title = serializers.CharField()


class ProblemKinds(serializers.Serializer[Any]):
    """The problem catalogue."""

    problems = ProblemKind(many=True)
