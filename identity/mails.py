"""Mails about a login. They leave after the commit, beside the request, and never fail it."""

import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import BoundedSemaphore
from typing import Final

from django.core.mail import send_mail
from django.db import transaction

logger = logging.getLogger(__name__)

# A thread, so that neither a slow mail server nor the time an answer takes tells who has an account.
_senders: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="mail")
_places: Final = BoundedSemaphore(100)


def send_verification(*, email: str, key: str) -> None:
    """Send the key that proves the address once the transaction has committed."""
    _after_commit(
        email,
        "Confirm your e-mail address",
        "Somebody, hopefully you, signed up with this address.\n\n"
        f"To confirm it, send this key to POST /api/v1/accounts/verify:\n\n{key}\n\n"
        "It is valid for three days. If it was not you, ignore this mail.\n",
    )


def send_password_reset(*, email: str, key: str) -> None:
    """Send the key that allows a new password once the transaction has committed."""
    _after_commit(
        email,
        "Choose a new password",
        "Somebody, hopefully you, asked for a new password.\n\n"
        "To choose one, send this key and the new password to "
        f"POST /api/v1/accounts/password-reset/confirm:\n\n{key}\n\n"
        "It is valid for three days and works once. If it was not you, ignore this mail.\n",
    )


def _after_commit(email: str, subject: str, text: str) -> None:
    transaction.on_commit(partial(_enqueue, email, subject, text), robust=True)


def _enqueue(email: str, subject: str, text: str) -> None:
    if not _places.acquire(blocking=False):
        logger.error("mail not sent, too many are waiting: %s", subject)
        return
    _senders.submit(_send, email, subject, text)


def _send(email: str, subject: str, text: str) -> None:
    try:
        send_mail(subject, text, None, [email])
    except Exception:
        logger.exception("mail not sent: %s", subject)
    finally:
        _places.release()
