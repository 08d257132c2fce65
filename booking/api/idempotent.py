"""Idempotency-Key: a POST that is repeated acts once and is answered as it was before.

A handler marked with `idempotent` runs in one transaction with the record of its answer. What needs
the network goes before it, what waits goes after it. Refusals are not recorded: they had no effect,
so the key may be used again.
"""

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final

from django.db import transaction
from django.utils.crypto import salted_hmac
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from booking import idempotency
from identity import problems
from identity.api.idempotency_key import REPLAYED, key_of

KEY_MISSING: Final = problems.declare(
    code="idempotency_key_missing", status=400, title="An Idempotency-Key header is required"
)
SECRET: Final = "token"  # noqa: S105 - the name of the member that is never stored
_KEPT_HEADERS: Final = ("Location", "Retry-After", "Preference-Applied")

Handler = Callable[..., Response]
Before = Callable[..., Mapping[str, Any]]
After = Callable[..., Response]
Reissue = Callable[[Mapping[str, Any]], str]


def idempotent(
    *,
    required: bool = False,
    before: Before | None = None,
    after: After | None = None,
    reissue: Reissue | None = None,
) -> Callable[[Handler], Handler]:
    """Let a POST handler act once for each Idempotency-Key.

    `before(request, **route)` runs outside the transaction; what it returns goes to the handler.
    `after(request, response, **route)` runs once the effects are committed and may improve the answer.
    `reissue(body)` makes a new secret for a repeated answer: the old one is not stored.
    """

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def answer(view: APIView, request: Request, **route: Any) -> Response:
            claimed = _claim(request, required=required)
            if isinstance(claimed, idempotency.Answer):
                return _replay(claimed, reissue)
            try:
                prepared = before(request, **route) if before else {}
                with transaction.atomic():
                    response = handler(view, request, **route, **prepared)
                    if claimed:
                        idempotency.commit_with_effects(claimed, _answer(response))
            except BaseException:
                if claimed:
                    idempotency.abandon(claimed)
                raise
            response = after(request, response, **route) if after else response
            if claimed:
                idempotency.finish(claimed, _answer(response))
            return response

        return answer

    return decorate


def _claim(request: Request, *, required: bool) -> idempotency.Claim | idempotency.Answer | None:
    key = key_of(request)
    if key is None:
        if required:
            raise problems.Problem(
                KEY_MISSING, detail="Send a new key (a UUID) for each intention."
            )
        return None
    return idempotency.claim(
        idempotency.Request(
            scope=f"user:{request.user.pk}" if request.user.is_authenticated else "anonymous",
            route=f"{request.method} {request.path}",
            key=key,
            fingerprint=_fingerprint(request.data),
        )
    )


def _fingerprint(body: Any) -> str:
    """Return a digest of what the body says; keyed, because a body may hold a password."""
    text = json.dumps(body, sort_keys=True, default=str)
    return salted_hmac("booking.api.idempotent", text, algorithm="sha256").hexdigest()


def _answer(response: Response) -> idempotency.Answer:
    body = response.data
    if isinstance(body, Mapping):
        body = {name: value for name, value in body.items() if name != SECRET}
    return idempotency.Answer(
        status=response.status_code,
        headers={name: response[name] for name in _KEPT_HEADERS if name in response},
        body="" if body is None else JSONRenderer().render(body).decode(),
    )


def _replay(answer: idempotency.Answer, reissue: Reissue | None) -> Response:
    body: Any = json.loads(answer.body) if answer.body else None
    if reissue is not None:
        body[SECRET] = reissue(body)
    headers = {**answer.headers, **REPLAYED}
    return Response(body, status=answer.status, headers=headers)
