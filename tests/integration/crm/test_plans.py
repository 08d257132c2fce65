"""What CRM asks for each event must not cost more the more trips there are, also while statistics are young."""

import re

import pytest
from django.db import connection

from crm.models import merging


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["ENTRIES", "FIGURES"])
def test_a_plan_made_while_the_tables_are_small_goes_by_trip_and_traveller(name: str) -> None:
    statement = getattr(merging, name).replace("%s", "$1")
    with connection.cursor() as cursor:
        # A table known to have one page is read whole, and rightly: asked is which way there is beside that.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE merging AS {statement}")
        cursor.execute("EXPLAIN EXECUTE merging (NULL)")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("DEALLOCATE merging")

    conditions = re.findall(r"Index Cond: (.*)", plan)
    assert len(conditions) == len(re.findall(r"Index (?:Only )?Scan", plan))
    assert not any("provider_id" in condition for condition in conditions)
    assert "Index Scan" in plan
    assert "Seq Scan" not in plan
    assert "crm_tripshare_provider_id" not in plan
