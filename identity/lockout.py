"""How often somebody may try a password: five times in a quarter of an hour, for each address.

PostgreSQL counts, so it holds for all processes together, and while Redis is away. A try is counted
before the password is looked at: tries at the same time do not get more of them.
"""

import math
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from identity.models import SignInLock, normalise_email

TRIES: Final = 5
SECONDS: Final = 900

COUNT: Final = """
    INSERT INTO identity_signinlock AS lock (email, tries, first_at) VALUES (%(email)s, 1, now())
    ON CONFLICT (email) DO UPDATE SET
        tries = CASE WHEN lock.first_at <= now() - %(pause)s::interval THEN 1 ELSE lock.tries + 1 END,
        first_at = CASE WHEN lock.first_at <= now() - %(pause)s::interval THEN now() ELSE lock.first_at END,
        locked_until = CASE WHEN lock.first_at > now() - %(pause)s::interval AND lock.tries + 1 >= %(tries)s
            THEN now() + %(pause)s::interval END
    WHERE lock.locked_until IS NULL OR lock.locked_until <= now()
    RETURNING tries
"""
FORGET: Final = """
    DELETE FROM identity_signinlock WHERE email = %s OR first_at < now() - interval '1 day'
"""


class LockedOut(Exception):
    """Too many passwords were tried under this address, known or not; the lock ends after `left`."""

    code = "locked_out"

    def __init__(self, *, left: timedelta) -> None:
        super().__init__("Too many tries under this address: wait, or reset the password.")
        self.headers = {"Retry-After": str(max(1, math.ceil(left.total_seconds())))}


def count_try(*, email: str) -> bool:
    """Count a try, the last one of which locks the address unless it succeeds (`forget`); False if there were too many."""
    pause = f"{SECONDS} seconds"
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"email": _key(email), "pause": pause, "tries": TRIES})
        return cursor.fetchone() is not None


def forget(*, email: str) -> None:
    """Begin to count anew: the password was right, or somebody who may has opened the lock."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET, [_key(email)])


def check(*, email: str) -> None:
    """Ask for no password where none would be looked at.

    Raises:
        LockedOut: the address is locked.
    """
    left = _left(email)
    if left is not None:
        raise LockedOut(left=left)


def locked_until(*, email: str) -> datetime | None:
    """Return until when an address is locked; None when it is not."""
    locks = SignInLock.locked().filter(email=_key(email))
    return locks.values_list("locked_until", flat=True).first()


def _left(email: str) -> timedelta | None:
    """Return for how long an address stays locked, by the clock that counts; None when it is not."""
    left = ExpressionWrapper(F("locked_until") - Now(), output_field=DurationField())
    locks = SignInLock.locked().filter(email=_key(email))
    return locks.annotate(left=left).values_list("left", flat=True).first()


def _key(email: str) -> str:
    return normalise_email(email.replace("\0", ""))[: SignInLock.LONGEST]
