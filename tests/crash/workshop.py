"""One worker of the harness: a warmed process without open connections, from which every life is forked."""

import os
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import django

from tests.crash.outside import PARTNER_KEY

ENVIRONMENT: Final = {
    # As in production: DEBUG keeps a list of every statement.
    "DJANGO_DEBUG": "0",
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "DJANGO_SECRET_KEY": "a-key-of-the-crash-harness-which-nobody-else-ever-uses-0123456789",
    "DJANGO_ALLOWED_HOSTS": "testserver",
    "DJANGO_SSL_REDIRECT": "0",
    "PUBLIC_URL": "https://testserver",
    "PARTNER_API_KEY": PARTNER_KEY,
    "STRIPE_API_KEY": "sk_test_harness",
    "STRIPE_WEBHOOK_SECRET": "whsec_harness",
    "LOG_LEVEL": "CRITICAL",
}


def work(
    tasks: Connection, directory: Path, env: dict[str, str], name: str, others: list[Connection]
) -> None:
    """Play the cases that come until None comes; send back what came of each."""
    for line in others:
        line.close()  # inherited: they are the parent's ends
    os.environ.update(env)
    django.setup()
    # Before this line there were no settings; what follows needs them while it is imported.
    workbench: Any = import_module("tests.crash.workbench")
    bench = workbench.Workbench(directory=directory, name=name)
    tasks.send((bench.calls, bench.seeded))
    try:
        while (case := tasks.recv()) is not None:
            tasks.send(bench.play(case))
        tasks.send(bench.settle())
    finally:
        bench.stop()
