"""The system under chaos: every process as in production, some of them twice, with short times."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from devstack.stack import Stack
from tests.chaos.plan import LEASE_SECONDS

COPIES: Final = {"sweeper": 2, "relay": 2, "consumer-crm": 2}
SETTINGS: Final = {
    "SAGA_CALL_SECONDS": f"{LEASE_SECONDS / 2}",
    "SAGA_LEASE_SECONDS": f"{LEASE_SECONDS}",
    "SAGA_SWEEP_SECONDS": "0.3",
    "SAGA_GRACE_SECONDS": "1",
    "SAGA_BACKOFF_SECONDS": "0.2",
    "SANDBOX_HANG": "2.5",
    "PAYMENT_QUIET_SECONDS": "2",
    "PARTNER_QUIET_SECONDS": "2",
    "IDEMPOTENCY_LEASE_SECONDS": "5",
    "PARTNER_BREAKER_CALLS": "3",
    "PARTNER_BREAKER_SECONDS": "2",
    "RECONCILE_SECONDS": "20",
    "EVENTBUS_STREAM_CAP": "200",
    "API_RATE_FACTOR": "1000",  # these travellers are in a hurry
    "LOG_LEVEL": "WARNING",
}
"""Short times, so that many faults fit into a run; a stream short enough to be trimmed."""

LINKS: Final = {
    "worker-reservation": "reservation",
    "worker-provider": "provider",
    "worker-payment": "payment",
}
"""Which link of the flows a worker runs; the sweepers run any."""


def stack(*, directory: Path, report: Callable[[str], None]) -> Stack:
    """Return the system; what dies without being killed by us is started again, and reported."""
    return Stack(
        directory=directory,
        throwaway=True,
        durable=False,
        own_servers=True,
        copies=COPIES,
        env=SETTINGS,
        restart=True,
        report=report,
    )
