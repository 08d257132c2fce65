"""Idempotency keys as Stripe keeps them: one effect and one answer for each key of an API key."""

import dataclasses
import json
import sqlite3
from collections.abc import Callable

from sandbox import ledger
from sandbox.exchange import Answer
from sandbox.stripe_errors import error

OTHER_PARAMS = (
    "Keys for idempotent requests can only be used with the same parameters they were first used with. "
    "Try using a key other than '{key}' if you meant to execute a different request."
)
IN_USE = (
    "There is currently another in-progress request using this idempotency key '{key}'. "
    "Please try again later."
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Use:
    """One use of a key. `params` is the canonical text of all parameters."""

    api_key: str
    key: str
    path: str
    params: str


def run(
    book: ledger.Ledger,
    use: Use,
    execute: Callable[[sqlite3.Connection], Answer],
    *,
    before: Callable[[], object],
) -> Answer:
    """Execute once and keep the answer in the transaction of the effect; answer a repeated use from what was kept.

    Nothing is kept when `execute` raises. `before` is what takes time before the effect, while the key is in use.
    """
    with book.write() as db:
        known = _claim(db, use)
    if known:
        return known
    try:
        before()
        with book.write() as db:
            answer = execute(db)
            _keep(db, use, answer)
    except BaseException:
        _release(book, use)
        raise
    return answer


def _claim(db: sqlite3.Connection, use: Use) -> Answer | None:
    sql = "SELECT * FROM idempotency_keys WHERE api_key = ? AND key = ?"
    row = ledger.one(db, sql, use.api_key, use.key)
    if row is None:
        ledger.insert(db, "idempotency_keys", dataclasses.asdict(use))
        return None
    if (row["path"], row["params"]) != (use.path, use.params):
        return error(400, "idempotency_error", OTHER_PARAMS.format(key=use.key))
    if row["status"] is None:
        message = IN_USE.format(key=use.key)
        return error(409, "idempotency_error", message, code="idempotency_key_in_use")
    headers = {"Idempotent-Replayed": "true"}
    return Answer(row["status"], json.loads(row["body"]), "replayed", headers=headers)


def _keep(db: sqlite3.Connection, use: Use, answer: Answer) -> None:
    sql = "UPDATE idempotency_keys SET status = ?, body = ? WHERE api_key = ? AND key = ?"
    db.execute(sql, (answer.status, json.dumps(answer.body), use.api_key, use.key))


def _release(book: ledger.Ledger, use: Use) -> None:
    sql = "DELETE FROM idempotency_keys WHERE api_key = ? AND key = ? AND status IS NULL"
    with book.write() as db:
        db.execute(sql, (use.api_key, use.key))
