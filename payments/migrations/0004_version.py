"""How often a row was changed, kept by PostgreSQL itself: what is written beside `write` counts, too."""

from django.db import migrations, models

COUNT = """
CREATE FUNCTION payments_next_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_next_version BEFORE UPDATE ON payments_payment
    FOR EACH ROW EXECUTE FUNCTION payments_next_version();
"""

NO_COUNT = """
DROP TRIGGER payments_next_version ON payments_payment;
DROP FUNCTION payments_next_version();
"""


class Migration(migrations.Migration):
    """The column and its trigger."""

    dependencies = [("payments", "0003_created_brin")]

    operations = [
        migrations.AddField(
            model_name="payment",
            name="version",
            field=models.PositiveIntegerField(db_default=1, default=1),
        ),
        migrations.RunSQL(COUNT, NO_COUNT),
    ]
