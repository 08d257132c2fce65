"""The last word of a fenced write: the time, or that somebody else was first."""

from django.db import migrations

WRITTEN = """
CREATE FUNCTION saga_written(passed boolean) RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
    IF NOT passed THEN
        RAISE EXCEPTION 'somebody else has written since the read' USING ERRCODE = 'SG001';
    END IF;
    RETURN booking_now();
END
$$;
"""


class Migration(migrations.Migration):
    """The fence fails by itself, so that the statement can be a transaction of its own."""

    dependencies = [("booking", "0009_created_brin")]

    operations = [migrations.RunSQL(WRITTEN, "DROP FUNCTION saga_written(boolean)")]
