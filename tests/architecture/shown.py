"""Which test gives the commands that the documents show: a command that no test gives goes stale unseen."""

from typing import Final

SAGA: Final = "tests/integration/booking/test_saga_command.py"
RECONCILER: Final = "tests/integration/booking/test_reconciler.py"
BUS: Final = "tests/integration/eventbus/test_operations.py"
ORDINARY: Final = (
    "tests/flows/test_ordinary_way.py::"
    "test_a_trip_is_booked_by_the_readme_s_commands_and_all_end_by_sigterm"
)
CI: Final = ".ci/run"

GIVEN_BY: Final[dict[str, str]] = {
    "make demo": CI,
    "make test": CI,
    "make crash ARGS=\"--case": "tests/crash/test_campaign.py::test_a_case_is_repeated_by_its_name_and_says_what_is_violated",
    "make crash": "tests/crash/test_campaign.py::test_a_quick_campaign_finds_nothing",
    "make compare": "tests/compare/test_comparison.py::test_what_is_measured_by_running_is_still_so",
    "make docs": "tests/architecture/test_teaching.py::test_the_documents_build_as_a_site_without_a_warning",
    "make model": "tests/model/test_model.py",
    "make property": "tests/property/test_trips.py",
    "make mutants": "tests/unit/booking/test_decide.py",
    "make fuzz": "tests/integration/api/test_strange_input.py",
    "make chaos": "tests/chaos/test_run.py::test_a_short_run_violates_nothing",
    "python3 -m venv": "tests/integration/devstack/test_bootstrap.py",
    "pip install -r requirements.txt": "tests/architecture/test_boundaries.py::test_what_runs_in_production_imports_no_development_requirement",
    "cp .env.example": "tests/unit/devstack/test_processes.py::test_every_variable_of_the_settings_is_explained_in_the_example",
    "python manage.py": ORDINARY,
    "celery -A config worker": ORDINARY,
    "mkdir -p var": ORDINARY,
    "python -m sandbox": ORDINARY,
    "curl -s http://127.0.0.1:8000/readyz": "tests/integration/devstack/test_stack.py::test_what_the_stack_names_answers",
    "curl -s": "tests/flows/test_api_page.py::test_the_six_requests_of_the_page_book_a_trip",
    "manage.py saga audit": RECONCILER,
    "manage.py saga graph": SAGA,
    "manage.py saga simulate": "tests/integration/booking/test_simulation.py",
    "manage.py saga": SAGA,
    "manage.py eventbus": BUS,
}  # fmt: skip
"""How a command begins -> the test (or the step of CI) that gives it; the longest beginning counts."""


def giver(command: str) -> str:
    """Return who gives a command.

    Raises:
        LookupError: nobody does.
    """
    fitting = [beginning for beginning in GIVEN_BY if command.startswith(beginning)]
    if not fitting:
        raise LookupError(command)
    return GIVEN_BY[max(fitting, key=len)]
