"""The table of figures, and the trip that they are about."""

from pathlib import Path

import pytest

from booking.orchestrator import engine
from booking.orchestrator.models import SagaInstance
from providers.gateways import registry
from tests.bench import bus, figures, topology, trips

INSTANT = {
    "PAYMENT_GATEWAY": topology.SETTINGS["PAYMENT_GATEWAY"],
    "PARTNER_GATEWAYS": {"instant": "tests.bench.gateways.InstantPartner"},
}
COMPOSED = bus.ReservationComposed.wire_name


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    figure = figures.ratio("ours to theirs", [10, 30, 20], [10, 10, 40])

    assert (figure.value, figure.spread) == ("1.00", "0.50 to 3.00")


def test_p99_is_not_p50() -> None:
    figure = figures.percentiles("latency", [float(number) for number in range(101)])

    assert (figure.value, figure.spread) == ("50 / 99 ms", "at most 100 ms")


def test_the_table_replaces_what_was_between_the_markers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{figures.START}old\n{figures.END}\nafter\n")
    monkeypatch.setattr(figures, "PAGE", page)
    text = figures.table([figures.Figure(what="trips", value="7")], circumstances="Today.")

    figures.write(text)

    assert page.read_text() == f"before\n{figures.START}{text}{figures.END}\nafter\n"


def test_a_page_without_markers_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    page.write_text("no markers")
    monkeypatch.setattr(figures, "PAGE", page)

    with pytest.raises(ValueError, match="lacks"):
        figures.write("text")

    assert page.read_text() == "no markers"


def test_the_page_has_a_place_for_the_figures() -> None:
    text = figures.PAGE.read_text()

    assert text.index(figures.START) < text.index(figures.END)


@pytest.mark.django_db(transaction=True)
def test_a_measured_trip_is_confirmed_and_publishes_what_the_bus_is_measured_with(settings) -> None:
    for name, value in INSTANT.items():
        setattr(settings, name, value)
    prepared = trips.Prepared(count=1)
    before = set(_events())

    [saga_id] = prepared.confirm(count=1)
    engine.advance(saga_id)

    assert SagaInstance.objects.get(pk=saga_id).state == "completed"
    told = [name for key, name in _events() if (key, name) not in before]
    story = [event.wire_name for event in bus.story() if event.wire_name != COMPOSED]
    assert sorted(told) == sorted(story)


def _events() -> list[tuple[int, str]]:
    return list(bus.OutboxEntry.objects.values_list("id", "type"))


def test_a_gateway_that_no_setting_names_is_refused(settings) -> None:
    settings.PARTNER_GATEWAYS = {}

    with pytest.raises(registry.UnknownGateway, match="network-a"):
        registry.gateway_named("nobody")
