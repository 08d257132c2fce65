"""The official SDK's requests, sent through our one door: one deadline, no retries."""

from collections.abc import Mapping
from typing import Any

import stripe

from outbound import http
from outbound.deadline import Deadline


class DeadlineHTTPClient(stripe.HTTPClient):
    """Sends what the SDK made, within one deadline; `NotSent` and `NoAnswer` pass through the SDK."""

    name = "outbound"

    def __init__(self, deadline: Deadline) -> None:
        """Make a client for the requests that share a deadline."""
        super().__init__()
        self._deadline = deadline

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """Send one request; return (body, status, headers).

        Raises:
            NotSent, NoAnswer: as `outbound.http.send`.
        """
        content = post_data.encode() if isinstance(post_data, str) else post_data
        answer = http.send(
            method=method.upper(),
            url=url,
            deadline=self._deadline,
            headers=headers,
            content=content,
        )
        try:
            return answer.body.decode(), answer.status, answer.headers
        except UnicodeDecodeError as error:
            raise http.Unparsable(f"{answer.status}: {error}") from error

    def close(self) -> None:
        """Keep the connections: they belong to the process, not to one call."""
