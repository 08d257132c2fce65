"""What a worker works with: its own database, broker, bus and outside world, made anew now and then."""

import gc
import logging
import time
from dataclasses import replace
from datetime import timedelta
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
import httpx._transports.default as transports
import psycopg
import redis
from django.conf import settings
from django.db import connection, connections
from django.utils import timezone
from kombu import pools
from psycopg import sql

from config.celery import app as celery_app
from eventbus import connections as bus_connections
from eventbus import delivery
from outbound import broker, http
from providers import services as providers
from tests import hashing
from tests.crash import clock, forks, hearing, judge, mutants, plans, play, traveller, wrapping
from tests.crash.faults import Case, Fault, Outcome
from tests.crash.forks import Notes
from tests.crash.outside import Outside
from tests.crash.stories import BY_NAME, STORIES

REFRESH: Final = 60
"""Cases after which CRM hears of them, and the database is made anew: it must not grow."""
FRESH_SECONDS: Final = 600.0
"""How long offers are bought before others are looked for: the partners' are valid for half an hour."""
PLACES: Final[dict[str, dict[str, Any]]] = {
    "flight": {"origin": "LHR", "destination": "JFK"},
    "stay": {"place": "NYC", "nights": 3},
    "car": {"place": "JFK", "days": 3},
}


class Workbench:
    """One worker's servers and what it has learnt: the offers that the stories buy."""

    def __init__(self, *, directory: Path, name: str) -> None:
        """Make the world, warm the process by telling one story in it, and close every connection."""
        logging.disable(logging.CRITICAL)
        self._name = name
        self.seeded = list(mutants.BY_NAME)
        self.calls = judge.calls_of_the_flows()
        self._unheard: dict[UUID, str] = {}
        self._outside = Outside(directory)
        settings.SANDBOX_URL = settings.STRIPE_API_BASE = self._outside.url
        settings.EMAIL_BACKEND = "tests.crash.wrapping.Mailbox"
        settings.PASSWORD_HASHERS = hashing.QUICK
        wrapping.Mailbox.path = str(directory / "mailbox")
        # A cardholder who never acts is asked after a few times, not for ten minutes.
        settings.PAYMENT_ACTION_SECONDS = 30.0
        # What a life knows of partners and breakers it has read once, however long it takes.
        settings.PARTNER_LOOK_SECONDS = 3600.0
        # On a busy machine no time-out of the product may make one run differ from the other.
        delivery.LONGEST_SECONDS = 60.0  # type: ignore[misc]
        bus_connections.NUDGE_SECONDS = 60.0
        # To read the certificates, and what version redis-py is of, would be a third of every life.
        httpx.create_ssl_context = transports.create_ssl_context = cache(httpx.create_ssl_context)
        metadata.version = cache(metadata.version)
        wrapping.wrap_all()
        clock.take_over()
        self._admin = psycopg.conninfo.make_conninfo(
            host=connection.settings_dict["HOST"],
            port=connection.settings_dict["PORT"],
            user=connection.settings_dict["USER"],
            password=connection.settings_dict["PASSWORD"],
            dbname="postgres",
        )
        self._renew(template="crash_template")
        self._supplies: traveller.Supplies = forks.run(_prepare).last("supplies")
        self._stale_at = time.monotonic() + FRESH_SECONDS
        self._rename(to=f"{name}_base")
        self._renew(template=f"{name}_base")
        self._warm()

    def play(self, case: Case) -> list[Outcome]:
        """Play a case; return what came of it, and what was found out about earlier ones."""
        if time.monotonic() > self._stale_at:
            self._supplies = replace(self._supplies, offers=forks.run(_look).last("offers"))
            self._stale_at = time.monotonic() + FRESH_SECONDS
        if case.mode == "teeth":
            return [*self.settle(), self._hunt(mutants.BY_NAME[case.mutant])]
        # Where relay and consumer are counted, they must not find what other stories have left.
        found = self.settle() if self._unheard and BY_NAME[case.story].bus else []
        outcome, reservation_id = play.play(case, self._supplies)
        found.append(outcome)
        if outcome.violations:
            # What is wrong now must not be seen by the next case.
            self._unheard.clear()
            self._renew(template=f"{self._name}_base")
        elif reservation_id is not None and not case.mutant and not BY_NAME[case.story].bus:
            self._unheard[reservation_id] = str(case)
        if len(self._unheard) == REFRESH:
            found += self.settle()
        return found

    def _hunt(self, mutant: mutants.Mutant) -> Outcome:
        """Look for a seeded bug until it is caught; the bounds are its own."""
        played = 0
        for story in mutant.stories:
            first = Case(story, mutant=mutant.name)
            undisturbed, _ = play.play(first, self._supplies)
            for case in (first, *plans.suspects(story, mutant.kinds, undisturbed)):
                found = undisturbed
                if case is not first:
                    self._renew(template=f"{self._name}_base")
                    found, _ = play.play(replace(case, mutant=mutant.name), self._supplies)
                played += 1
                if found.violations:
                    self._renew(template=f"{self._name}_base")
                    caught = f"caught by {found.case}: {found.violations[0].strip()[-200:]}"
                    return Outcome(mutant.name, "teeth", status=caught)
        self._renew(template=f"{self._name}_base")
        return Outcome(mutant.name, "teeth", [f"not caught by {played} cases"])

    def settle(self) -> list[Outcome]:
        """Let CRM hear of the cases since the last time, judge that, and make the database anew."""
        wrong = hearing.judge(self._unheard, self._supplies.account_id)
        self._unheard.clear()
        self._renew(template=f"{self._name}_base")
        return [Outcome(case or "all", "heard", violations) for case, violations in wrong.items()]

    def stop(self) -> None:
        """Let the outside world end."""
        forks.dismiss()
        self._outside.stop()

    def _warm(self) -> None:
        play.live(Case("heard-by-crm"), None, self._supplies, Fault(), "", _Nobody())
        connections.close_all()
        http._start_afresh()
        broker.forget()
        pools.reset()
        celery_app._after_fork()
        bus_connections.nudging.cache_clear()
        self._renew(template=f"{self._name}_base")
        gc.collect()
        gc.freeze()

    def _renew(self, *, template: str) -> None:
        """Make the database anew from a template, and empty broker and bus."""
        forks.dismiss()
        with psycopg.connect(self._admin, autocommit=True) as admin:
            name = sql.Identifier(self._name)
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            admin.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(template))
            )
        for url in (settings.CELERY_BROKER_URL, settings.EVENTBUS_REDIS_URL):
            with redis.Redis.from_url(url) as client:
                client.flushdb()

    def _rename(self, *, to: str) -> None:
        with psycopg.connect(self._admin, autocommit=True) as admin:
            admin.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                    sql.Identifier(self._name), sql.Identifier(to)
                )
            )


class _Nobody(Notes):
    """Hears nothing."""

    def __init__(self) -> None:
        pass

    def say(self, topic: str, value: Any) -> None:
        """Forget it."""


def _prepare(notes: Notes) -> None:
    """Register the partners, sign a traveller up, and look for the offers that the stories buy."""
    clock.start()
    providers.register_sandbox_partners(base_url=settings.SANDBOX_URL)
    account = traveller.sign_up()
    notes.say("supplies", traveller.Supplies(account.account_id, account.token, _offers()))


def _look(notes: Notes) -> None:
    """Look for the offers anew."""
    notes.say("offers", _offers())


def _offers() -> dict[str, providers.Offer]:
    """Return what the stories buy, by partner and product."""
    date = (timezone.now() + timedelta(days=30)).date()
    found = {
        f"{offer.offer_id.partition(':')[0]} {offer.product}": offer
        for kind, places in PLACES.items()
        for offer in providers.search(kind=kind, date=date, **places).offers
    }
    wanted = {leg for story in STORIES for leg in story.legs}
    return {leg: found[leg] for leg in wanted}
