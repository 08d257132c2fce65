"""Each how-to is followed on a scratch copy of the project, and the files that it touches are counted."""

import importlib.util
import inspect
import os
import re
from collections.abc import Iterator
from decimal import Decimal
from types import ModuleType
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from config import contexts
from outbound.deadline import Deadline
from providers.gateways.protocol import Endpoint, Gateway, NewOrder, Query
from providers.refusals import OrderCancelled
from tests.howto import embedding, following
from tests.howto.nordair import nordair as stand_in

PAGES = following.ROOT / "docs" / "how-to"
GENERATED = re.compile(
    r"^(docs/(events\.md|events\.lock\.json|sagas\.lock\.json|asyncapi/.*)|.*/migrations/.*)$"
)
BOOKING = tuple(f"{app}/" for app in contexts.CONTEXTS["booking"])


@pytest.fixture(scope="module")
def travel(tmp_path_factory: pytest.TempPathFactory) -> following.Copy:
    """The project in a folder of its own, for all pages in turn."""
    return following.copied(tmp_path_factory.mktemp("travel"))


@pytest.fixture
def copy(travel: following.Copy) -> Iterator[following.Copy]:
    """The copy as it was at first."""
    travel.reset()
    return travel


def sorts(touched: set[str], *sorts: tuple[str, ...]) -> list[int]:
    """Count the touched files by where they are; the last number is of those that commands write."""
    written = {name for name in touched if GENERATED.match(name)}
    by_hand = touched - written
    found = [sum(name.startswith(places) for name in by_hand) for places in sorts]
    rest = len(by_hand) - sum(found)
    return [*found, rest, len(written)]


def test_a_listener_touches_no_file_of_the_publisher_and_becomes_a_context(
    copy: following.Copy,
) -> None:
    copy.follow(PAGES / "listener.md")
    as_listener = sorts(copy.touched(), BOOKING, ("loyalty/",))
    copy.keep("a listener")

    copy.follow(PAGES / "context.md")

    as_context = sorts(copy.touched(), (*BOOKING, "crm/"), ("loyalty/",))
    assert as_listener == following.counted(PAGES / "listener.md")
    assert as_context == following.counted(PAGES / "context.md")
    assert as_listener[0] == as_context[0] == 0


def test_a_step_touches_three_files(copy: following.Copy) -> None:
    copy.follow(PAGES / "step.md")

    # The README is written by a command here.
    by_hand, test, readme, written = sorts(copy.touched(), BOOKING, ("tests/",))

    assert [by_hand, test, readme + written] == following.counted(PAGES / "step.md")
    assert by_hand <= 3


def test_with_the_deadline_as_it_was_the_project_does_not_start_and_says_why(
    copy: following.Copy,
) -> None:
    blocks = list(following.blocks(PAGES / "step.md"))
    [says] = [" ".join(block.text.split()) for block in blocks if block.kind == "text"]
    for block in blocks:
        if block.kind == "diff":
            copy.apply(block)
    sagas = copy.root / "booking" / "sagas.py"
    sagas.write_text(sagas.read_text().replace("deadline=minutes(25)", "deadline=minutes(15)"))

    with pytest.raises(following.CannotFollow, match=re.escape(says)):
        copy.run("python manage.py check")


def test_a_new_version_of_an_event_touches_no_listener(copy: following.Copy) -> None:
    copy.follow(PAGES / "event-version.md")

    publisher, listeners, rest, written = sorts(copy.touched(), BOOKING, ("crm/",))

    assert [publisher, listeners, written] == following.counted(PAGES / "event-version.md")
    assert (listeners, rest) == (0, 0)


def test_a_partner_touches_two_files(copy: following.Copy) -> None:
    copy.follow(PAGES / "partner.md")

    touched = copy.touched()
    gateways = {name for name in touched if name.startswith("providers/gateways/")}

    assert [0, len(gateways), len(touched - gateways)] == following.counted(PAGES / "partner.md")
    assert len(touched) <= 3


@pytest.fixture
def gateway(copy: following.Copy) -> ModuleType:
    """The gateway that the page on partners shows."""
    [shown] = [b for b in following.blocks(PAGES / "partner.md") if b.path.endswith("nordair.py")]
    copy.apply(shown)
    spec = importlib.util.spec_from_file_location("nordair_gateway", copy.root / shown.path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_gateway_of_the_page_has_all_that_providers_asks_of_one(gateway: ModuleType) -> None:
    asked = {name for name in vars(Gateway) if not name.startswith("_")} | {"traits"}

    for name in asked - {"traits", "lists_orders"}:
        expected = inspect.signature(getattr(Gateway, name)).parameters
        assert (
            inspect.signature(getattr(gateway.NordairGateway, name)).parameters.keys()
            == expected.keys()
        )
    assert gateway.NordairGateway.traits.idempotency == "B"


def test_the_gateway_of_the_page_sells_a_ticket_once_and_takes_it_back(gateway: ModuleType) -> None:
    nordair, soon = gateway.NordairGateway(), Deadline.within(20)
    with stand_in() as url:
        there = {"partner": Endpoint(slug="nordair", base_url=url), "deadline": soon}
        query = Query(kind="flight", date="2030-05-01", origin="LHR", destination="JFK")
        [offer] = nordair.search(query=query, **there)
        order = NewOrder(
            offer_id=offer.offer_id,
            amount=offer.amount,
            currency="EUR",
            reference="r:1",
            travellers=[],
        )

        first, again = (nordair.book(order=order, key="k", **there) for _ in range(2))
        found = nordair.look_up(key="k", reference="r:1", **there)
        standing = nordair.standing(key="k", reference="r:1", **there)
        cancelled = nordair.cancel(key="k", reference="r:1", order_id="", **there)

        assert (offer.amount, offer.starts_zone) == (Decimal("312.50"), "Europe/London")
        assert first == again == found
        assert [one.order_id for one in standing] == [first.order_id]
        assert cancelled
        assert nordair.standing(key="k", reference="r:1", **there) == []
        assert nordair.look_up(key="unknown", reference="r:1", **there) is None
        with pytest.raises(OrderCancelled):
            nordair.look_up(key="k", reference="r:1", **there)


def test_crm_runs_as_a_process_of_its_own_without_a_change(copy: following.Copy) -> None:
    here = urlsplit(os.environ["DATABASE_URL"])
    name = f"crm_alone_{os.getpid()}"
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(urlunsplit(here), autocommit=True) as server:
        server.execute(drop)
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        alone = following.Copy(
            copy.root, {"DATABASE_URL": urlunsplit(here._replace(path=f"/{name}"))}
        )

        alone.follow(PAGES / "crm-as-a-process.md")

        server.execute(drop)
    assert [len(copy.touched())] == following.counted(PAGES / "crm-as-a-process.md")


def test_every_page_shows_the_code_of_today() -> None:
    stale = [page.name for page in embedding.pages() if page.read_text() != embedding.written(page)]

    assert stale == [], "run python -m tests.howto.embedding"
