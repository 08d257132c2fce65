"""What a sandbox is started with."""

import dataclasses
from typing import Self

DEFAULT_PARTNER_KEY = "sandbox-partner-key"
DEFAULT_WEBHOOK_SECRET = "whsec_sandbox"  # noqa: S105 - a development default, loopback only


@dataclasses.dataclass(frozen=True, kw_only=True)
class Durations:
    """How long the magic inputs take, in seconds."""

    hang: float
    slow: float
    drip: float
    late: float
    much_later: float

    @classmethod
    def from_hang(cls, hang: float = 30.0, *, late: float | None = None) -> Self:
        """Keep the proportions of the defaults (hang 30, slow 3, drip 60, late 4, much later 300), so that tests can shorten all at once.

        Much later is never sooner than late.
        """
        return cls(
            hang=hang,
            slow=hang / 10,
            drip=hang * 2,
            late=hang * 4 / 30 if late is None else late,
            much_later=max(hang * 10, late or 0.0),
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Keys, addresses and durations; the same for the whole life of one sandbox."""

    partner_key: str = DEFAULT_PARTNER_KEY
    webhook_url: str = ""
    webhook_secret: str = DEFAULT_WEBHOOK_SECRET
    durations: Durations = dataclasses.field(default_factory=Durations.from_hang)
