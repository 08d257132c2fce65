"""Mail over Django's e-mail backend, with the one distinction that matters: did it leave?"""

import logging
import smtplib
from dataclasses import dataclass, field
from email.utils import formataddr, parseaddr

from django.conf import settings
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend

logger = logging.getLogger(__name__)


class MailRefused(Exception):
    """The mail server said no for good: sending again cannot help."""


class MailNotSent(Exception):
    """The mail surely did not leave; sending again is safe."""


class MailOutcomeUnknown(Exception):
    """The connection broke after the mail may have been taken."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One mail, ready to go; `message_id` as in RFC 5322, the same at every attempt."""

    sender_name: str
    recipient: str
    subject: str
    body: str
    message_id: str
    headers: dict[str, str] = field(default_factory=dict)


def send(letter: Letter) -> None:
    """Hand one mail to the server; the backend's time-out (EMAIL_TIMEOUT) bounds every wait.

    Raises:
        MailRefused: a definite and lasting no.
        MailNotSent: it did not leave, for now.
        MailOutcomeUnknown: nobody can tell.
    """
    connection = mail.get_connection()
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        raise MailNotSent(_said(error)) from error
    try:
        connection.send_messages([_message(letter)])
    except smtplib.SMTPException as error:
        raise _verdict(error) from error
    except OSError as error:
        raise MailOutcomeUnknown(_said(error)) from error
    except ValueError as error:  # an address or a header that no mail can carry
        raise MailRefused(_said(error)) from error
    finally:
        _hang_up(connection)


def _hang_up(connection: BaseEmailBackend) -> None:
    """Close the connection; the server's answer about the mail stands, however the goodbye goes."""
    try:
        connection.close()
    except (OSError, smtplib.SMTPException) as error:
        logger.info("closing the mail connection: %s", _said(error))


def _message(letter: Letter) -> mail.EmailMessage:
    return mail.EmailMessage(
        subject=letter.subject,
        body=letter.body,
        from_email=formataddr((letter.sender_name, parseaddr(settings.DEFAULT_FROM_EMAIL)[1])),
        to=[letter.recipient],
        headers={"Message-ID": letter.message_id, **letter.headers},
    )


def _verdict(error: smtplib.SMTPException) -> Exception:
    codes = _codes(error)
    if not codes:
        return MailOutcomeUnknown(_said(error))
    # 5xx is permanent (RFC 5321, 4.2.1); 4xx, and a server that rejects our own login, may pass.
    lasting = all(code >= 500 for code in codes)
    if lasting and not isinstance(error, smtplib.SMTPAuthenticationError):
        return MailRefused(_said(error))
    return MailNotSent(_said(error))


def _codes(error: smtplib.SMTPException) -> list[int]:
    """Return the reply codes of an answer, none if the server did not answer."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return [code for code, _ in error.recipients.values()]
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code > 0:
        return [error.smtp_code]
    return []


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
