"""Pictures of flows: complete, readable without colour, well formed, whatever the names and states."""

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest

from booking.orchestrator import plan
from booking.orchestrator.diagram import LOOKS, Box, Mark, boxes_of
from booking.orchestrator.mermaid import mermaid
from booking.orchestrator.plan import Link, Pivot, Saga, Step
from booking.orchestrator.shape import StepState
from booking.orchestrator.simulation.run import simulate
from booking.orchestrator.svg import svg
from booking.orchestrator.testing import back, refuse
from booking.sagas import CANCEL_RESERVATION, CONFIRM_RESERVATION
from tests.toy import Local, LocalBack, Remote

SVG = "{http://www.w3.org/2000/svg}"
FLOWS = [CONFIRM_RESERVATION, CANCEL_RESERVATION]


@pytest.fixture(autouse=True)
def _forget_what_was_declared() -> Iterator[None]:
    known = dict(plan.REGISTRY)
    yield
    plan.REGISTRY.clear()
    plan.REGISTRY.update(known)


@pytest.fixture
def failing() -> list[Box]:
    """A run whose hotel said no and whose flight could not be cancelled."""
    faults = (refuse("book", item="hotel"), back(refuse("book", item="flight")))
    ending = simulate(CONFIRM_RESERVATION, *faults, items=["flight", "hotel"])
    return boxes_of(CONFIRM_RESERVATION.shape(), CONFIRM_RESERVATION, ending.calls)


def texts(drawn: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(drawn).iter(f"{SVG}text")]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_every_step_link_and_compensation_of_a_flow_is_in_both_pictures(flow: Saga) -> None:
    boxes = boxes_of(flow.shape(), flow)

    shown, chart = texts(svg(boxes, title=flow.name)), mermaid(boxes)

    for link in flow.links:
        assert f"link {link.name}" in shown
        assert f'["{link.name}"]' in chart
    for step in flow.steps.values():
        assert any(text.split(",")[0] == step.name for text in shown)
        assert f"step_{step.name}" in chart
        if step.compensate:
            assert step.compensate.__name__ in shown
            assert f"step_{step.name} -. compensate .-> back_{step.name}" in chart
    assert shown.count("PIVOT") == 1
    assert chart.count("(pivot)") == 1


def test_a_run_shows_each_call_by_icon_and_word(failing: list[Box]) -> None:
    shown, chart = texts(svg(failing, title="x")), mermaid(failing)

    for said in ("✓ flight done", "✗ hotel refused", "✗ flight refused", "✓ done", "· pending"):
        assert said in shown
        assert said in chart
    assert "style step_book fill:#fee2e2" in chart


def test_the_state_that_matters_most_colours_the_box(failing: list[Box]) -> None:
    book = next(box for box in failing if box.step == "book")

    assert (book.state, book.back_state) == ("refused", "refused")
    assert next(box for box in failing if box.step == "authorise").back_state == "done"


def test_every_state_looks_different_without_its_colour() -> None:
    icons = [LOOKS[state].icon for state in StepState]

    assert len(set(icons)) == len(icons)
    assert all(icons)


@pytest.mark.parametrize("state", list(StepState))
def test_text_can_be_read_on_its_colour(state: StepState) -> None:
    look = LOOKS[state]

    contrast = (luminance(look.fill) + 0.05) / (luminance(look.line) + 0.05)

    assert contrast >= 4.5, "WCAG 2.2, 1.4.3"


def test_boxes_and_texts_lie_within_the_picture_and_boxes_do_not_overlap(
    failing: list[Box],
) -> None:
    root = ElementTree.fromstring(svg(failing, title="x"))
    _, _, wide, tall = (float(n) for n in root.attrib["viewBox"].split())

    boxes = [r.attrib for r in root.iter(f"{SVG}rect") if r.attrib.get("rx") == "6"]
    areas = [[float(b[name]) for name in ("x", "y", "width", "height")] for b in boxes]

    assert len(areas) == 8
    for index, (x, y, w, h) in enumerate(areas):
        assert x >= 0
        assert x + w <= wide
        assert y + h <= tall
        for ox, oy, ow, oh in areas[index + 1 :]:
            assert x + w <= ox or ox + ow <= x or y + h <= oy or oy + oh <= y
    assert all(float(t.attrib["x"]) <= wide and float(t.attrib["y"]) <= tall for t in root.iter(f"{SVG}text"))  # fmt: skip


def test_no_name_or_reason_can_break_out_of_a_picture() -> None:
    evil = 'a"]<script>&'
    box = Box(
        link=evil, step=evil, operation=evil, compensate=evil, pivot=False, each=False,
        marks=[Mark(item=evil, state="done")], back=[],
    )  # fmt: skip

    drawn = svg([box], title=evil, subtitle=evil)

    assert "<script>" not in drawn
    assert any(evil in text for text in texts(drawn))
    chart = mermaid([box])
    assert "<script>" not in chart
    assert all(line.count('"') in {0, 2} for line in chart.splitlines())


def test_a_plan_whose_code_is_gone_is_drawn_from_its_snapshot() -> None:
    boxes = boxes_of(CONFIRM_RESERVATION.shape(), None)

    assert [box.step for box in boxes] == ["hold", "authorise", "book", "capture", "confirm"]
    assert boxes[0].compensate == "compensation"
    assert "compensation" in texts(svg(boxes, title="x"))


def test_a_step_named_like_a_word_of_mermaid_is_still_a_step() -> None:
    def closing(**about: Any) -> None: ...

    links = [
        Link("start", Step("end", Local, compensate=LocalBack)),
        Link("x y", Pivot("graph", Remote)),
    ]
    flow = Saga("odd", 1, "id", 900, links, closing, closing)

    chart = mermaid(boxes_of(flow.shape(), flow))

    assert 'step_end["end' in chart
    assert 'subgraph link_x_y["x y"]' in chart
