"""Tokens, e-mail verification, password reset."""

from collections.abc import Sequence
from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from identity import commands, problems, rates, selectors
from identity.api import serializers
from identity.api.schema import answers
from identity.endpoint import Endpoint
from identity.models import User


class Tokens(Endpoint):
    """Sign in, see where one is signed in, sign out everywhere."""

    rates = {"POST": rates.SIGN_IN}

    def get_permissions(self) -> Sequence[BasePermission]:
        """Let everybody sign in."""
        return [AllowAny()] if self.request.method == "POST" else [IsAuthenticated()]

    @extend_schema(
        operation_id="tokens_create",
        summary="Sign in",
        tags=["tokens"],
        auth=[],
        request=serializers.Credentials,
        responses=answers({201: serializers.IssuedToken}, 400, 401),
    )
    def post(self, request: Request) -> Response:
        """Create a token."""
        body = serializers.Credentials(data=request.data)
        body.is_valid(raise_exception=True)
        token = commands.issue_token(**body.validated_data)
        return Response(serializers.IssuedToken(token).data, status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="tokens_list",
        summary="List one's tokens",
        tags=["tokens"],
        responses=answers({200: serializers.Tokens}, 401),
    )
    def get(self, request: Request) -> Response:
        """Return the tokens of the user, newest first."""
        user = cast(User, request.user)
        tokens = selectors.tokens_of(user_id=user.pk, current_digest=cast(Any, request.auth).digest)
        return Response(serializers.Tokens({"tokens": tokens}).data)

    @extend_schema(
        operation_id="tokens_revoke_all",
        summary="Sign out everywhere",
        tags=["tokens"],
        responses=answers({204: None}, 401),
    )
    def delete(self, request: Request) -> Response:
        """End every token of the user, this one too."""
        commands.revoke_all_tokens(user_id=cast(User, request.user).pk)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Token(Endpoint):
    """One token."""

    @extend_schema(
        operation_id="tokens_revoke",
        summary="Sign out",
        tags=["tokens"],
        responses=answers({204: None}, 401, 404),
    )
    def delete(self, request: Request, token_id: str) -> Response:
        """End one token of the user."""
        commands.revoke_token(user_id=cast(User, request.user).pk, token_id=token_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Verification(Endpoint):
    """Prove an e-mail address."""

    permission_classes = (AllowAny,)
    rates = {"POST": rates.KEY}

    @extend_schema(
        operation_id="accounts_verify",
        summary="Verify an e-mail address",
        tags=["accounts"],
        auth=[],
        request=serializers.Key,
        responses=answers({204: None}, 400),
    )
    def post(self, request: Request) -> Response:
        """Take the key from the verification mail."""
        body = serializers.Key(data=request.data)
        body.is_valid(raise_exception=True)
        commands.verify_email(**body.validated_data)
        return Response(status=status.HTTP_204_NO_CONTENT)


class VerificationMail(Endpoint):
    """Ask for another verification mail."""

    permission_classes = (AllowAny,)
    rates = {"POST": rates.MAIL}

    @extend_schema(
        operation_id="accounts_verify_resend",
        summary="Send the verification mail again",
        tags=["accounts"],
        auth=[],
        request=serializers.Address,
        responses=answers({202: None}, 400),
    )
    def post(self, request: Request) -> Response:
        """Answer the same whether the address is known or not."""
        body = serializers.Address(data=request.data)
        body.is_valid(raise_exception=True)
        commands.resend_verification(**body.validated_data)
        return Response(status=status.HTTP_202_ACCEPTED)


class PasswordReset(Endpoint):
    """Ask for a new password."""

    permission_classes = (AllowAny,)
    rates = {"POST": rates.MAIL}

    @extend_schema(
        operation_id="accounts_password_reset",
        summary="Ask for a mail that allows a new password",
        tags=["accounts"],
        auth=[],
        request=serializers.Address,
        responses=answers({202: None}, 400),
    )
    def post(self, request: Request) -> Response:
        """Answer the same whether the address is known or not."""
        body = serializers.Address(data=request.data)
        body.is_valid(raise_exception=True)
        commands.request_password_reset(**body.validated_data)
        return Response(status=status.HTTP_202_ACCEPTED)


class NewPassword(Endpoint):
    """Choose a new password."""

    permission_classes = (AllowAny,)
    rates = {"POST": rates.KEY}

    @extend_schema(
        operation_id="accounts_password_reset_confirm",
        summary="Choose a new password",
        tags=["accounts"],
        auth=[],
        request=serializers.NewPassword,
        responses=answers({204: None}, 400),
    )
    def post(self, request: Request) -> Response:
        """Take the key from the mail; every token of the user ends."""
        body = serializers.NewPassword(data=request.data)
        body.is_valid(raise_exception=True)
        commands.reset_password(**body.validated_data)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Problems(Endpoint):
    """The problem catalogue."""

    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="problems_list",
        summary="List every problem code",
        tags=["problems"],
        auth=[],
        responses={200: serializers.ProblemKinds},
    )
    def get(self, request: Request) -> Response:
        """Return every problem this API answers with, by code."""
        kinds = sorted(problems.CATALOGUE.values(), key=lambda kind: kind.code)
        return Response(serializers.ProblemKinds({"problems": kinds}).data)


class ProblemKind(Endpoint):
    """One entry of the problem catalogue: what a document's `type` points at."""

    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="problems_read",
        summary="Explain a problem code",
        tags=["problems"],
        auth=[],
        responses=answers({200: serializers.ProblemKind}, 404),
    )
    def get(self, request: Request, code: str) -> Response:
        """Return one entry of the catalogue."""
        kind = problems.CATALOGUE.get(code)
        if kind is None:
            raise problems.Problem(problems.NOT_FOUND)
        return Response(serializers.ProblemKind(kind).data)
