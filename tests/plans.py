"""The plan of a statement that PostgreSQL makes once, for whatever its parameters will be."""

from django.db import connection


def generic_plan(statement: str) -> str:
    """Return the plan of a statement of one parameter, `$1`; within a transaction.

    A table known to have one page is read whole, and rightly: asked is which way there is beside that.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE looked_at AS {statement}")
        cursor.execute("EXPLAIN EXECUTE looked_at (NULL)")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("DEALLOCATE looked_at")
    return plan
