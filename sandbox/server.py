"""The sandbox's HTTP server: routes, the record of every call, and the thread that serves."""

import logging
import pathlib
import threading
from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

import werkzeug
from werkzeug import exceptions, routing, serving

from sandbox import card_api, control_api, faults, late, ledger, partner_api
from sandbox.background import Background
from sandbox.exchange import Answer, Call, Rejected, problem
from sandbox.settings import Settings
from sandbox.stripe_errors import invalid
from sandbox.webhooks import Postman
from sandbox.world import World

logger = logging.getLogger("sandbox")
Endpoint = Callable[..., Answer]
POLL_SECONDS = 0.05
UNRECORDED = ("/healthz", "/ledger")

ROUTES: list[tuple[str, str, Endpoint]] = [
    ("GET", "/partners", partner_api.directory),
    ("GET", "/partners/<slug>/offers", partner_api.search),
    ("POST", "/partners/<slug>/quotes", partner_api.quote),
    ("PUT", "/partners/<slug>/orders/<key>", partner_api.put_order),
    ("GET", "/partners/<slug>/orders/<key>", partner_api.get_order),
    ("DELETE", "/partners/<slug>/orders/<key>", partner_api.delete_order),
    ("POST", "/partners/<slug>/orders", partner_api.post_order),
    ("GET", "/partners/<slug>/orders", partner_api.list_orders),
    ("POST", "/v1/payment_intents", card_api.create_intent),
    ("GET", "/v1/payment_intents", card_api.list_intents),
    ("GET", "/v1/payment_intents/<intent_id>", card_api.get_intent),
    ("POST", "/v1/payment_intents/<intent_id>", card_api.update_intent),
    ("POST", "/v1/payment_intents/<intent_id>/confirm", card_api.confirm_intent),
    ("POST", "/v1/payment_intents/<intent_id>/capture", card_api.capture_intent),
    ("POST", "/v1/payment_intents/<intent_id>/cancel", card_api.cancel_intent),
    ("POST", "/v1/refunds", card_api.create_refund),
    ("GET", "/v1/refunds", card_api.list_refunds),
    ("GET", "/v1/refunds/<refund_id>", card_api.get_refund),
    ("GET", "/control/3ds/<intent_id>", control_api.challenge),
    ("POST", "/control/outage", control_api.set_outage),
    ("POST", "/control/land", control_api.land),
    ("GET", "/ledger", control_api.show_ledger),
    ("GET", "/ledger/totals", control_api.show_totals),
    ("GET", "/healthz", control_api.healthz),
]


class Application:
    """The WSGI application of one sandbox."""

    def __init__(self, world: World) -> None:
        """Prepare the routes."""
        self._world = world
        self._map = routing.Map(
            [routing.Rule(path, methods=[method], endpoint=to) for method, path, to in ROUTES]
        )

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Act, write the call into the ledger, then answer: an effect is durable before its answer leaves."""
        call = Call(werkzeug.Request(environ))
        answer = self._answer(call)
        if not call.request.path.startswith(UNRECORDED):
            self._record(call, answer)
        world = self._world
        response = faults.deliver(answer, call, world.settings.durations, world.stopping)
        return response(environ, start)

    def _answer(self, call: Call) -> Answer:
        try:
            handler, values = self._map.bind_to_environ(call.request.environ).match()
            answer: Answer = handler(self._world, call, **values)
        except Rejected as rejected:
            return rejected.answer
        except exceptions.HTTPException as unroutable:
            return _unroutable(call.request.path, unroutable)
        return answer

    def _record(self, call: Call, answer: Answer) -> None:
        row = {
            "at": ledger.now(),
            "method": call.request.method,
            "path": call.request.path,
            "key": call.key,
            "reference": call.reference,
            "status": answer.status or None,
            "effect": answer.effect,
        }
        with self._world.ledger.write() as db:
            ledger.insert(db, "calls", row)


class Handler(serving.WSGIRequestHandler):
    """One connection. It writes no line per request: the ledger has them all."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing."""

    def connection_dropped(
        self, error: BaseException, environ: WSGIEnvironment | None = None
    ) -> None:
        """Close the connection of a call that is not to be answered."""
        self.close_connection = True


class Server:
    """A running sandbox."""

    def __init__(self, world: World, postman: Postman, host: str, port: int) -> None:
        """Bind the address and start serving in threads."""
        self._world = world
        self._postman = postman
        self._http = serving.make_server(
            host, port, Application(world), threaded=True, request_handler=Handler
        )
        self.host, self.port = host, self._http.port
        self.url = f"http://{host}:{self.port}"
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(POLL_SECONDS,), daemon=True
        )
        for thread in (self._thread, world.late_effects, world.webhooks):
            thread.start()

    def shutdown(self) -> None:
        """Stop serving; calls that hang are dropped, the ledger is closed."""
        self._world.stopping.set()
        self._http.shutdown()
        self._thread.join()
        self._world.late_effects.stop()
        self._world.webhooks.stop()
        self._postman.close()
        self._world.ledger.close()


def serve(
    *,
    ledger_path: pathlib.Path | str,
    host: str = "127.0.0.1",
    port: int = 0,
    settings: Settings | None = None,
) -> Server:
    """Start a sandbox in threads of this process; port 0 takes a free one."""
    settings = settings or Settings()
    book = ledger.Ledger(ledger_path)
    postman = Postman(book, settings)
    mail = Background(name="webhooks", next_due=postman.next_due, run_due=postman.run_due)
    world = World(
        ledger=book,
        settings=settings,
        late_effects=Background(
            name="late effects",
            next_due=lambda: late.next_due(book),
            run_due=lambda: _land(book, mail),
        ),
        webhooks=mail,
        stopping=threading.Event(),
    )
    return Server(world, postman, host, port)


def _land(book: ledger.Ledger, mail: Background) -> None:
    late.land(book)
    mail.wake()


def _unroutable(path: str, unroutable: exceptions.HTTPException) -> Answer:
    status, detail = unroutable.code or 500, str(unroutable.description)
    if path.startswith("/v1/"):
        return invalid(f"Unrecognized request URL ({path}).", status=status)
    return problem(status, "no_such_route", detail)
