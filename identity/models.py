"""A person who may sign in, and how often somebody has tried to be them."""

import unicodedata
import uuid
from typing import Any, ClassVar, Final

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import connection, models
from django.db.models import QuerySet
from django.db.models.functions import Lower, Now
from django.utils import timezone


def normalise_email(email: str) -> str:
    """Return the one spelling under which an address is stored and looked up."""
    return unicodedata.normalize("NFKC", email.strip()).lower()


class UserManager(BaseUserManager["User"]):
    """Create users whose address is normalised and whose password is hashed."""

    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Insert a user; without a password the login stays unusable until a reset.

        Raises:
            ValueError: the address is empty.
        """
        if not normalise_email(email):
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=normalise_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Insert an operator who may do everything."""
        return self.create_user(
            email, password, **{"is_staff": True, "is_superuser": True, **fields}
        )

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the user of an address, however it is spelled."""
        return self.get(email=normalise_email(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in with an e-mail address and a password."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(
        "e-mail",
        unique=True,
        error_messages={"unique": "A user with this e-mail address exists."},
    )
    full_name = models.CharField(max_length=200, blank=True)
    is_staff = models.BooleanField("may enter the back office", default=False)
    is_active = models.BooleanField("may sign in", default=True)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    email_verified_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="identity_user_email_unique",
                violation_error_message="A user with this e-mail address exists.",
            ),
            models.CheckConstraint(
                condition=~models.Q(email=""), name="identity_user_email_not_empty"
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        """Normalise what a form delivers."""
        super().clean()
        self.email = normalise_email(self.email)

    def get_full_name(self) -> str:
        """Return the name to address the person by."""
        return self.full_name or self.email

    def get_short_name(self) -> str:
        """Return the address: the back office shows it beside "log out"."""
        return self.email


_COUNT: Final = """
WITH gone AS (
    DELETE FROM identity_tally WHERE key IN (
        SELECT key FROM identity_tally
        WHERE ends_at < clock_timestamp() - interval '1 day' AND key <> %(key)s
        LIMIT 20 FOR UPDATE SKIP LOCKED
    )
)
INSERT INTO identity_tally AS tally (key, count, ends_at)
VALUES (%(key)s, 1, clock_timestamp() + make_interval(secs => %(seconds)s))
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN tally.ends_at <= clock_timestamp() THEN 1 ELSE tally.count + 1 END,
    ends_at = CASE WHEN tally.ends_at <= clock_timestamp() THEN excluded.ends_at ELSE tally.ends_at END
RETURNING count, extract(epoch FROM ends_at - clock_timestamp())
"""


class Tally(models.Model):
    """How often something was asked in the window that ends at `ends_at`; `key` is a digest of whom it is about."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key[:8]} {self.count}"

    @classmethod
    def add(cls, *, key: str, seconds: int) -> tuple[int, float]:
        """Add one, in one statement, so that two at once are two; return (count, seconds left).

        A window begins with the first request after the end of the last one. Those that ended a day
        ago are forgotten on the way.
        """
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, {"key": key, "seconds": seconds})
            [used, left] = cursor.fetchone()
        return int(used), float(left)


class SignInLock(models.Model):
    """How often a password was tried under an address since `first_at`; locked until `locked_until`."""

    LONGEST: ClassVar[int] = 254

    email = models.CharField("address", max_length=LONGEST, primary_key=True)
    tries = models.PositiveIntegerField()
    first_at = models.DateTimeField(db_index=True)
    locked_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "sign-in lock"

    def __str__(self) -> str:
        return self.email

    @classmethod
    def locked(cls) -> "QuerySet[SignInLock]":
        """Return the addresses that are locked now."""
        return cls.objects.filter(locked_until__gt=Now())
