"""Whose fault an error is: PostgreSQL's or Redis's, which passes, or the handler's."""

import pytest
import redis
from django.db import InterfaceError, InternalError, OperationalError
from psycopg import errors

from eventbus import faults


def told_by(error: Exception, cause: BaseException | None) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "cause", "infrastructure"),
    [
        (InterfaceError(), None, True),
        (redis.ConnectionError(), None, True),
        (redis.TimeoutError(), None, True),
        (OperationalError(), None, True),
        (OperationalError(), errors.AdminShutdown(), True),
        (OperationalError(), errors.DeadlockDetected(), True),
        (OperationalError(), errors.QueryCanceled(), False),
        (InternalError(), errors.IdleInTransactionSessionTimeout(), True),
        (InternalError(), errors.InFailedSqlTransaction(), False),
        (InternalError(), None, False),
        (ValueError(), errors.AdminShutdown(), False),
    ],
)
def test_whose_fault_an_error_is(
    error: Exception, cause: BaseException | None, infrastructure: bool
) -> None:
    assert faults.is_infrastructure(told_by(error, cause)) is infrastructure
