"""`manage.py saga`: sweep, list, show, graph, retry, resolve, check."""

import json
import signal
import sys
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

import msgspec
from django.core.management.base import BaseCommand, CommandError

from booking import tasks
from booking.orchestrator import control, deploys, drawing, history, store
from booking.orchestrator.models import SagaInstance
from booking.orchestrator.plan import REGISTRY
from booking.orchestrator.shape import StepState
from booking.orchestrator.sweeper import Sweeper


class Command(BaseCommand):
    """Look at sagas, run the sweeper, let a parked saga try again."""

    help = "Operate the sagas: sweep, list, show, graph, retry, resolve, check."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the subcommands."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("sweep", help="find due sagas and dispatch or run them, until SIGTERM")
        listing = verbs.add_parser("list", help="sagas, newest first")
        listing.add_argument("--parked", action="store_true")
        listing.add_argument("--limit", type=int, default=50)
        show = verbs.add_parser(
            "show", help="a saga's timeline by its or its subject's id, or a flow's table"
        )
        show.add_argument("what", nargs="?", default="confirm-reservation")
        graph = verbs.add_parser("graph", help="a flow as a Mermaid diagram")
        graph.add_argument("what", nargs="?", default="confirm-reservation")
        retry = verbs.add_parser("retry", help="let a parked saga try again")
        retry.add_argument("saga_id", type=UUID)
        retry.add_argument("--actor", required=True)
        retry.add_argument("--reason", required=True)
        resolve = verbs.add_parser("resolve", help="settle by hand a call that waits for a person")
        resolve.add_argument("saga_id", type=UUID)
        resolve.add_argument("--step", required=True)
        resolve.add_argument("--item", default="", help="the leg, where the step has several calls")
        resolve.add_argument("--as", dest="outcome", choices=["done", "accepted"], required=True)
        resolve.add_argument("--actor", required=True)
        resolve.add_argument("--evidence", required=True, help="how that is known")
        check = verbs.add_parser("check", help="exit 1 if a live saga needs what this code lacks")
        for verb in (listing, show, retry, resolve, check):
            verb.add_argument("--json", action="store_true")

    def handle(self, *args: object, **options: Any) -> None:
        """Run the subcommand."""
        getattr(self, f"run_{options['verb']}")(**options)

    def run_sweep(self, **options: Any) -> None:
        """Run the sweeper until SIGTERM or Ctrl-C."""
        sweeper = Sweeper(dispatch=tasks.dispatch)
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: sweeper.stop())
        self.stdout.write("sweeping")
        sweeper.run()

    def run_list(self, *, parked: bool, limit: int, json: bool, **options: Any) -> None:
        """Print sagas, newest first."""
        sagas = SagaInstance.objects.order_by("-created_at")
        if parked:
            sagas = sagas.filter(attention_reason__isnull=False)
        rows = [history.progress_of(saga) for saga in sagas[:limit]]
        if json:
            self._json(rows)
            return
        for row in rows:
            self.stdout.write(
                f"{row.saga_id}  {row.name}  {row.state}  {row.attention_reason or row.reason}"
            )

    def run_show(self, *, what: str, json: bool, **options: Any) -> None:
        """Print a flow's table and chain, or one saga's state and timeline."""
        if what in REGISTRY:
            flow = drawing.table(REGISTRY[what])
            self._json(flow) if json else self.stdout.write(drawing.as_text(flow))
            return
        saga = self._find(what)
        entries = history.timeline(subject_id=saga.subject_id)
        if json:
            self._json({"progress": history.progress_of(saga), "timeline": entries})
            return
        for entry in entries:
            about = f"{entry.step} {entry.item}".strip()
            self.stdout.write(
                f"{entry.at:%H:%M:%S.%f} {entry.kind:13} {about:50} try {entry.tries}  {entry.code}"
            )

    def run_graph(self, *, what: str, **options: Any) -> None:
        """Print a flow as a Mermaid diagram."""
        if what not in REGISTRY:
            raise CommandError(f"unknown_flow: {what!r}; known: {', '.join(REGISTRY)}")
        self.stdout.write(drawing.mermaid(REGISTRY[what]))

    def run_retry(
        self, *, saga_id: UUID, actor: str, reason: str, json: bool, **options: Any
    ) -> None:
        """Let a parked saga try again and dispatch it."""
        try:
            control.retry(saga_id=saga_id, actor=actor, reason=reason)
        except (control.NotParked, store.SagaNotFound) as error:
            raise CommandError(f"{getattr(error, 'code', 'saga_not_found')}: {error}") from error
        tasks.dispatch(saga_id)
        self._json({"retried": saga_id}) if json else self.stdout.write(
            f"saga {saga_id} tries again"
        )

    def run_resolve(self, *, saga_id: UUID, outcome: str, json: bool, **options: Any) -> None:
        """Settle a call and let the saga go on."""
        details = {name: options[name] for name in ("step", "item", "actor", "evidence")}
        try:
            control.resolve(saga_id=saga_id, outcome=StepState(outcome), **details)
        except (control.NotParked, control.NotResolvable, store.SagaNotFound) as error:
            raise CommandError(f"{getattr(error, 'code', 'saga_not_found')}: {error}") from error
        tasks.dispatch(saga_id)
        self._json({"resolved": saga_id}) if json else self.stdout.write(f"saga {saga_id} goes on")

    def run_check(self, *, json: bool = False, **options: Any) -> None:
        """Exit 1 if a live saga needs what this code lacks: run it with the new code before a deploy."""
        missing = deploys.missing()
        if json:
            self._json(missing)
        for lack in [] if json else missing:
            self.stdout.write(f"{lack.saga_id}  {lack.name} v{lack.version} needs {lack.what}")
        if missing:
            sys.exit(1)

    def _find(self, what: str) -> SagaInstance:
        try:
            wanted = UUID(what)
        except ValueError:
            raise CommandError(f"unknown_flow: {what!r} is no flow and no id") from None
        saga = SagaInstance.objects.filter(pk=wanted).first() or store.latest_saga_of(wanted)
        if saga is None:
            raise CommandError(f"saga_not_found: no saga {what} and none about it")
        return saga

    def _json(self, value: Any) -> None:
        json.dump(
            msgspec.to_builtins(value), sys.stdout if self.stdout is None else self.stdout, indent=2
        )
        self.stdout.write("")
