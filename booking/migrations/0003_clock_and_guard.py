"""The engine's clock (which a test can offset) and the guard that refuses illegal moves of a saga."""

from django.db import migrations

CLOCK = """
CREATE FUNCTION booking_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT clock_timestamp()
         + coalesce(nullif(current_setting('booking.clock_offset', true), ''), '0')::interval
$$;
"""

GUARD = """
CREATE FUNCTION booking_guard_saga() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'running' THEN
            RAISE EXCEPTION 'saga % must start running, not %', NEW.id, NEW.state USING ERRCODE = '23514';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.state IS DISTINCT FROM OLD.state AND NOT (
           (OLD.state = 'running' AND NEW.state IN ('pivoting', 'compensating', 'completed'))
        OR (OLD.state = 'pivoting' AND NEW.state IN ('finishing', 'compensating'))
        OR (OLD.state = 'finishing' AND NEW.state = 'completed')
        OR (OLD.state = 'compensating' AND NEW.state IN ('failed', 'cancelled'))
    ) THEN
        RAISE EXCEPTION 'saga %: illegal move from % to %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER booking_guard_saga BEFORE INSERT OR UPDATE OF state ON saga
    FOR EACH ROW EXECUTE FUNCTION booking_guard_saga();

CREATE FUNCTION booking_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23514';
END
$$;
CREATE TRIGGER booking_saga_event_append_only BEFORE UPDATE ON saga_event
    FOR EACH ROW EXECUTE FUNCTION booking_append_only();
"""

BACK = """
DROP TRIGGER booking_saga_event_append_only ON saga_event;
DROP FUNCTION booking_append_only();
DROP TRIGGER booking_guard_saga ON saga;
DROP FUNCTION booking_guard_saga();
DROP FUNCTION booking_now();
"""


class Migration(migrations.Migration):
    """The clock and the guards."""

    dependencies = [("booking", "0002_initial")]

    operations = [migrations.RunSQL(CLOCK + GUARD, BACK)]
