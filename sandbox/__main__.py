"""Run the sandbox as a process of its own: `python -m sandbox --port N --ledger PATH`."""

import argparse
import signal
import sqlite3
import sys
import threading
from collections.abc import Sequence

from sandbox import magic, settings
from sandbox.server import serve


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description=sys.modules["sandbox"].__doc__
    )
    parser.add_argument("--host", default="127.0.0.1", help="another one only inside a container")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ledger", metavar="PATH", help="the SQLite file; made if it is missing")
    parser.add_argument("--webhook-url", default="", help="where the card processor's events go")
    parser.add_argument("--webhook-secret", default=settings.DEFAULT_WEBHOOK_SECRET)
    parser.add_argument("--api-key", default=settings.DEFAULT_PARTNER_KEY, help="of the partners")
    parser.add_argument("--hang", type=float, default=30.0, metavar="SECONDS")
    parser.add_argument("--late", type=float, metavar="SECONDS", help="default: 4/30 of --hang")
    parser.add_argument("--magic", action="store_true", help="print the magic inputs as Markdown")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    parser = _parser()
    given = parser.parse_args(argv)
    if given.magic:
        print(magic.markdown())
        return 0
    if fault := _fault(given):
        parser.error(fault)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        server = serve(
            ledger_path=given.ledger, host=given.host, port=given.port, settings=_settings(given)
        )
    except sqlite3.Error as trouble:
        parser.error(f"the ledger {given.ledger} cannot be used: {trouble}")
    print(f"sandbox ready on {server.url}, ledger {given.ledger}", flush=True)
    stop.wait()
    server.shutdown()
    return 0


def _fault(given: argparse.Namespace) -> str | None:
    if not given.ledger:
        return "--ledger is needed"
    if not 0 <= given.port <= 65535:
        return "--port must be 0 to 65535"
    if given.hang < 0 or (given.late or 0) < 0:
        return "--hang and --late must not be negative"
    return None


def _settings(given: argparse.Namespace) -> settings.Settings:
    return settings.Settings(
        partner_key=given.api_key,
        webhook_url=given.webhook_url,
        webhook_secret=given.webhook_secret,
        durations=settings.Durations.from_hang(given.hang, late=given.late),
    )


if __name__ == "__main__":
    sys.exit(main())
