"""What CRM asks for each event must not cost more the more trips there are, also while statistics are young."""

import re

import pytest

from crm.models import merging
from tests.plans import generic_plan


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["ENTRIES", "FIGURES"])
def test_a_plan_made_while_the_tables_are_small_goes_by_trip_and_traveller(name: str) -> None:
    statement = getattr(merging, name).replace("%s", "$1")

    plan = generic_plan(statement)

    conditions = re.findall(r"Index Cond: (.*)", plan)
    assert len(conditions) == len(re.findall(r"Index (?:Only )?Scan", plan))
    assert not any("provider_id" in condition for condition in conditions)
    assert "Index Scan" in plan
    assert "Seq Scan" not in plan
    assert "crm_tripshare_provider_id" not in plan
