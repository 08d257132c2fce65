"""When a reservation last changed, kept by PostgreSQL itself: what is written beside Django counts, too."""

import django.db.models.functions.datetime
from django.db import migrations, models

TOUCH = """
CREATE FUNCTION reservation_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER reservation_touch BEFORE INSERT OR UPDATE ON reservation_reservation
    FOR EACH ROW EXECUTE FUNCTION reservation_touch();
"""

NO_TOUCH = """
DROP TRIGGER reservation_touch ON reservation_reservation;
DROP FUNCTION reservation_touch();
"""


class Migration(migrations.Migration):
    """The column and its trigger; what is there already counts as changed now."""

    dependencies = [("reservation", "0003_refund_quote")]

    operations = [
        migrations.AddField(
            model_name="reservation",
            name="updated_at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(), editable=False
            ),
        ),
        migrations.RunSQL(TOUCH, NO_TOUCH),
    ]
