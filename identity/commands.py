"""What Identity can be told to do. Each command is one transaction; mails follow its commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from knox.models import get_token_model

from identity import keys, lockout, mails
from identity.models import User, normalise_email


class EmailTaken(Exception):
    """Somebody is registered under this e-mail address already."""

    code = "email_taken"


class PasswordRefused(Exception):
    """The password is too easy to guess; `errors` says why."""

    code = "password_refused"

    def __init__(self, errors: Sequence[Mapping[str, str]]) -> None:
        super().__init__(" ".join(error["detail"] for error in errors))
        self.errors = errors


class CredentialsRefused(Exception):
    """E-mail address and password do not belong together."""

    code = "credentials_refused"


class TokenNotFound(Exception):
    """The user has no such token."""

    code = "token_not_found"


@dataclass(frozen=True, kw_only=True)
class IssuedToken:
    """A new token; `token` is shown this once and stored as a digest only."""

    id: str
    token: str
    expires_at: datetime | None


def create_user(*, email: str, password: str, full_name: str = "") -> UUID:
    """Create a login and send the mail that verifies its address.

    Raises:
        EmailTaken: the address has a login, in whatever spelling.
        PasswordRefused: the password is too easy to guess.
    """
    user = User(email=normalise_email(email), full_name=full_name)
    _check_password(password, user)
    user.set_password(password)
    with transaction.atomic():
        _insert(user)
        mails.send_verification(email=user.email, key=keys.issue(keys.verification, user=user))
    return user.pk


def issue_token(*, email: str, password: str) -> IssuedToken:
    """Sign in: create a token.

    Raises:
        CredentialsRefused: unknown address, wrong password or a login that was closed.
        lockout.LockedOut: there were too many tries under the address, whether or not anybody has it.
    """
    # The back end spends the same time on an unknown address as on a wrong password.
    user = authenticate(username=email, password=password)
    if user is None:
        lockout.check(email=email)
        raise CredentialsRefused("E-mail address or password is wrong.")
    return issue_token_for(user_id=user.pk)


def check_password(*, user_id: UUID, password: str) -> None:
    """Have a signed-in user prove once more who they are.

    Raises:
        CredentialsRefused: it is another password.
    """
    if not User.objects.get(pk=user_id).check_password(password):
        raise CredentialsRefused("The password is wrong.")


def issue_token_for(*, user_id: UUID) -> IssuedToken:
    """Create a token for a user who has just proved who they are."""
    row, token = get_token_model().objects.create(user=User.objects.get(pk=user_id))
    return IssuedToken(id=row.token_key, token=token, expires_at=row.expiry)


def revoke_token(*, user_id: UUID, token_id: str) -> None:
    """End one token.

    Raises:
        TokenNotFound: the user has no such token.
    """
    deleted, _ = get_token_model().objects.filter(user_id=user_id, token_key=token_id).delete()
    if not deleted:
        raise TokenNotFound("There is no such token.")


def revoke_all_tokens(*, user_id: UUID) -> None:
    """End every token of a user."""
    get_token_model().objects.filter(user_id=user_id).delete()


@transaction.atomic
def erase_user(*, user_id: UUID) -> None:
    """Forget who a user is and let nobody sign in as them any more; the row stays, as others refer to it."""
    user = User.objects.select_for_update().get(pk=user_id)
    get_token_model().objects.filter(user=user).delete()
    user.email, user.full_name = f"erased-{user_id}@erased.invalid", ""
    user.is_active, user.email_verified_at = False, None
    user.set_unusable_password()
    user.save()


def resend_verification(*, email: str) -> None:
    """Send another verification mail, if the address has a login that still needs one."""
    with transaction.atomic():
        user = _active_user(email)
        if user is not None and user.email_verified_at is None:
            mails.send_verification(email=user.email, key=keys.issue(keys.verification, user=user))


def verify_email(*, key: str) -> None:
    """Note that the address belongs to the user.

    Raises:
        keys.KeyRefused: the key is not valid (any more).
    """
    with transaction.atomic():
        user = keys.lock_owner(keys.verification, key=key)
        User.objects.filter(pk=user.pk).update(email_verified_at=Now())


def request_password_reset(*, email: str) -> None:
    """Send a key for a new password, if the address has a login."""
    with transaction.atomic():
        user = _active_user(email)
        if user is not None:
            mails.send_password_reset(
                email=user.email, key=keys.issue(keys.password_reset, user=user)
            )


def reset_password(*, key: str, password: str) -> None:
    """Set a new password, end every token, and take the key as proof of the address.

    Raises:
        keys.KeyRefused: the key is not valid (any more).
        PasswordRefused: the password is too easy to guess.
    """
    with transaction.atomic():
        user = keys.lock_owner(keys.password_reset, key=key)
        _check_password(password, user)
        user.set_password(password)
        user.save(update_fields=["password"])
        User.objects.filter(pk=user.pk, email_verified_at=None).update(email_verified_at=Now())
        revoke_all_tokens(user_id=user.pk)
        lockout.forget(email=user.email)


def _active_user(email: str) -> User | None:
    return User.objects.filter(email=normalise_email(email), is_active=True).first()


def _insert(user: User) -> None:
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        if "email" not in str(error):
            raise
        raise EmailTaken("This e-mail address is registered already.") from error


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise PasswordRefused(
            [
                {
                    "pointer": "#/password",
                    "code": reason.code or "invalid",
                    "detail": " ".join(reason.messages),
                }
                for reason in error.error_list
            ]
        ) from error
