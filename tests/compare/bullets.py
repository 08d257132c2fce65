"""What the article says for and against each way, in our words, and what shows that it is so (or is paid for) here.

Evidence is the id of a test that passes, or `cell:<row>` of the measured table. The article is "Orchestrate
or Choreograph?" (2021); its order is kept: two examples, in each the pros and cons of both ways, then the winner.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Bullet:
    """One pro, con, or reason for the winner."""

    part: str
    says: str
    here: str
    evidence: tuple[str, ...]


BOUNDARIES: Final = "tests/architecture/test_boundaries.py::"
CONTRACTS: Final = f"{BOUNDARIES}test_the_contracts_of_the_imports_are_kept"
NEWCOMER: Final = "tests/integration/eventbus/test_newcomer.py::"
FLOWS: Final = "tests/flows/"
CONTEXTS: Final = "Between contexts"
SERVICES: Final = "Inside a context"

BULLETS: Final = (
    Bullet(
        f"{CONTEXTS}: orchestration, for",
        "The code of Booking names every context that it talks to.",
        "True of the loser: one file tells whom. The winner answers with a generated catalogue.",
        ("cell:files that name the listener", "tests/architecture/test_docs.py::test_every_event_is_in_the_catalogue_with_its_listeners"),
    ),
    Bullet(
        f"{CONTEXTS}: orchestration, against",
        "Booking depends on how CRM words its commands.",
        "The loser sends CRM's fields to CRM's address, and signs nobody up while CRM does not answer.",
        ("cell:sign-up while CRM is down", "tests/compare/test_comparison.py::test_the_commanding_booking_knows_the_words_of_crm"),
    ),
    Bullet(
        f"{CONTEXTS}: orchestration, against",
        "Another system that wants to know of accounts means a change in Booking.",
        "Counted on a scratch copy.",
        ("cell:files of the publisher to add a listener",),
    ),
    Bullet(
        f"{CONTEXTS}: orchestration, against",
        "Booking becomes responsible for talking to others, beside selling trips.",
        "Signing up takes as long as CRM takes, and fails as CRM fails.",
        ("cell:sign-up while CRM is slow", "cell:what a crash during sign-up leaves"),
    ),
    Bullet(
        f"{CONTEXTS}: choreography, for",
        "Booking need not know that CRM listens.",
        "An import contract, and a process of Booking in which CRM is not installed.",
        (CONTRACTS, "tests/standalone/test_one_context_alone.py::test_the_other_context_is_not_installed"),
    ),
    Bullet(
        f"{CONTEXTS}: choreography, for",
        "Another system that wants to know of accounts just listens.",
        "A made-up context, Loyalty, hears the past and the present; nobody is changed for it.",
        (f"{NEWCOMER}test_a_second_listener_hears_the_past_and_the_present_and_disturbs_nobody", f"{NEWCOMER}test_nobody_was_changed_for_the_newcomer", "cell:files of the publisher to add a listener"),
    ),
    Bullet(
        f"{CONTEXTS}: choreography, for",
        "Booking's only concern is to book trips.",
        "Trips are booked while CRM is down.",
        (f"{FLOWS}test_a35_crm_down.py::test_crm_catches_up_without_a_gap_or_a_double", "cell:sign-up while CRM is down"),
    ),
    Bullet(
        f"{CONTEXTS}: choreography, against",
        "It is more work to find out who reacts to an event.",
        "The price is real, and paid by a generated page and by `manage.py eventbus trace`.",
        ("tests/architecture/test_docs.py::test_every_event_is_in_the_catalogue_with_its_listeners", "tests/integration/eventbus/test_operations.py"),
    ),
    Bullet(
        f"{CONTEXTS}: choreography, against",
        "CRM must keep track of what it has processed, and miss nothing.",
        "A cursor over dense positions and an inbox, kept by the bus; `manage.py eventbus doctor` proves it.",
        ("tests/integration/eventbus/test_consumer.py", "tests/integration/eventbus/test_crashes.py", f"{FLOWS}test_a35_crm_down.py::test_crm_catches_up_without_a_gap_or_a_double"),
    ),
    Bullet(
        f"{CONTEXTS}: choreography wins",
        "Contexts must be decoupled.",
        "Each starts, migrates and passes its tests without the other.",
        ("tests/standalone/test_one_context_alone.py::test_its_tests_pass", "tests/standalone/test_one_context_alone.py::test_its_database_has_its_own_tables_and_none_of_the_other_s"),
    ),
    Bullet(
        f"{CONTEXTS}: choreography wins",
        "A flow should not span contexts; if it does, think about the boundary again.",
        "Tried with a flow that wants to: both ways go wrong, the redrawn boundary does not.",
        ("tests/howto/test_redraw.py",),
    ),
    Bullet(
        f"{CONTEXTS}: choreography wins",
        "If other facts matter to CRM, it is for CRM to know and to listen.",
        "Who reacts to what stands in CRM's own file, and only there.",
        (CONTRACTS, "tests/integration/crm/test_handlers.py", "cell:files that name the listener"),
    ),
    Bullet(
        f"{SERVICES}: orchestration, for",
        "The order in which things are done can be read in one place.",
        "One table; the README shows it and a test compares.",
        ("cell:places that make up the order of steps", "tests/architecture/test_docs.py::test_the_readme_shows_the_saga_and_its_lines_as_they_are"),
    ),
    Bullet(
        f"{SERVICES}: orchestration, against",
        "The orchestrator depends on the commands of the other services.",
        "True, and bounded: through one door for each service. It lives in Booking as a whole, so no service depends on another.",
        (CONTRACTS, f"{BOUNDARIES}test_a_service_has_no_door_but_services"),
    ),
    Bullet(
        f"{SERVICES}: orchestration, against",
        "A further provider or service means a change of the flow.",
        "True of a step: a line of the table. A partner is a row, and at most one gateway.",
        ("tests/howto/test_howtos.py::test_a_step_touches_three_files", "tests/howto/test_howtos.py::test_a_partner_touches_two_files"),
    ),
    Bullet(
        f"{SERVICES}: orchestration, against",
        "The orchestrator has to talk to the other services.",
        "It does so through calls that are rows: what was asked, of whom, how often, what came of it.",
        ("tests/integration/booking/test_engine.py",),
    ),
    Bullet(
        f"{SERVICES}: orchestration, against",
        "The orchestrator has to compensate wherever a failure happens.",
        "Each step stands beside what takes it back; the engine does the rest, at every crash point.",
        ("tests/unit/booking/test_stories_of_sagas.py", "cell:what a crash at each step of a trip leaves", "cell:the hotel answers with errors only"),
    ),
    Bullet(
        f"{SERVICES}: choreography, for",
        "Reservation need not know the other services.",
        "With this orchestrator it need not either: the services import neither each other nor Booking.",
        (CONTRACTS,),
    ),
    Bullet(
        f"{SERVICES}: choreography, for",
        "Another system that wants to know of reservations just listens.",
        "The same here: the services publish, inside Booking nobody listens.",
        (f"{BOUNDARIES}test_the_bus_is_the_only_receiver_of_the_event_signal", f"{NEWCOMER}test_a_second_listener_hears_the_past_and_the_present_and_disturbs_nobody"),
    ),
    Bullet(
        f"{SERVICES}: choreography, for",
        "Reservation's only concern is reservations.",
        "The same here: it has no word for partner, payment or saga.",
        ("tests/compare/test_comparison.py::test_reservation_speaks_of_nothing_but_reservations",),
    ),
    Bullet(
        f"{SERVICES}: choreography, against",
        "It is hard to follow that a reservation leads to bookings and a payment.",
        "Counted in the loser: every function that reacts or speaks.",
        ("cell:places that make up the order of steps",),
    ),
    Bullet(
        f"{SERVICES}: choreography, against",
        "To see where a trip stands one must ask each service, or follow all events.",
        "Counted.",
        ("cell:questions to see where a trip stands", "cell:a traveller cancels on the way"),
    ),
    Bullet(
        f"{SERVICES}: orchestration wins",
        "The business logic is clear and in one place.",
        "The table, and the picture and the timeline that are made from it.",
        ("cell:places that make up the order of steps", "tests/unit/booking/test_diagrams.py"),
    ),
    Bullet(
        f"{SERVICES}: orchestration wins",
        "Calling services directly need not be synchronous.",
        "The request is answered with 202; the links are messages, and may all be lost.",
        ("tests/integration/booking/test_flows.py::TestAccepted::test_confirming_is_accepted_with_a_place_to_look", f"{FLOWS}test_a01_all_succeed.py"),
    ),
    Bullet(
        f"{SERVICES}: orchestration wins",
        "Some coupling inside a context is fine.",
        "One layer that leads, and services below it that never meet.",
        (CONTRACTS, "tests/compare/test_comparison.py::test_only_the_table_puts_calls_in_sequence"),
    ),
    Bullet(
        f"{SERVICES}: orchestration wins",
        "Services may still publish events, for contexts outside.",
        "Each of the three does, and CRM hears them.",
        ("tests/compare/test_comparison.py::test_every_service_publishes_and_crm_hears_each_of_them",),
    ),
)  # fmt: skip
