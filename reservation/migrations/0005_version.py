"""How often a row was changed, kept by PostgreSQL itself: what is written beside `write` counts, too."""

from django.db import migrations, models

COUNT = """
CREATE FUNCTION reservation_next_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER reservation_next_version BEFORE UPDATE ON reservation_reservation
    FOR EACH ROW EXECUTE FUNCTION reservation_next_version();
"""

NO_COUNT = """
DROP TRIGGER reservation_next_version ON reservation_reservation;
DROP FUNCTION reservation_next_version();
"""


class Migration(migrations.Migration):
    """The column and its trigger."""

    dependencies = [("reservation", "0004_updated_at")]

    operations = [
        migrations.AlterField(
            model_name="reservation",
            name="version",
            field=models.PositiveIntegerField(db_default=1, default=1),
        ),
        migrations.RunSQL(COUNT, NO_COUNT),
    ]
