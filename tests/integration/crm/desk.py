"""The staff of providers, at the API."""

from typing import Any
from uuid import UUID

from knox.models import AuthToken
from rest_framework.test import APIClient

from backoffice import roles
from crm.models import Membership, Role
from identity.models import User


def staff_of(*provider_ids: UUID, role: str = Role.AGENT, email: str = "agent@example.com") -> User:
    """Make a login that works for these providers."""
    user = User.objects.create_user(email, is_staff=True)
    user.groups.add(roles.group("provider staff"))
    for provider_id in provider_ids:
        Membership.objects.create(user=user, provider_id=provider_id, role=role)
    return user


def signed_in(user: User) -> APIClient:
    """Sign a login in to the API."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {AuthToken.objects.create(user)[1]}")
    return client


class Api:
    """What one member of staff does over HTTP; answers are (status, body)."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client = signed_in(user)

    def get(self, path: str, **query: Any) -> tuple[int, Any]:
        answer = self.client.get(f"/api/v1/crm/{path}", query)
        return answer.status_code, answer.json()

    def post(self, path: str, body: dict[str, Any], key: str | None = None) -> tuple[int, Any]:
        headers = {"Idempotency-Key": key} if key else {}
        answer = self.client.post(f"/api/v1/crm/{path}", body, format="json", headers=headers)
        return answer.status_code, answer.json()

    def put(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        answer = self.client.put(f"/api/v1/crm/{path}", body, format="json")
        return answer.status_code, answer.json()


def api_of(*provider_ids: UUID, role: str = Role.AGENT, email: str = "agent@example.com") -> Api:
    """Sign in a new member of these providers' staff."""
    return Api(staff_of(*provider_ids, role=role, email=email))
