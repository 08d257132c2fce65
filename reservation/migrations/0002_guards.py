"""PostgreSQL refuses illegal moves of a reservation, and any change of an item."""

from django.db import migrations

GUARDS = """
-- The same table as reservation.domain.TRANSITIONS; a test compares both.
CREATE FUNCTION reservation_move_allowed(old_status text, new_status text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT (old_status, new_status) IN (
        ('draft', 'confirming'), ('draft', 'cancelled'),
        ('confirming', 'held'), ('confirming', 'failed'), ('confirming', 'cancelled'),
        ('held', 'confirmed'), ('held', 'failed'), ('held', 'cancelled'),
        ('confirmed', 'cancelling'),
        ('failed', 'confirming'),
        ('cancelling', 'cancelled'), ('cancelling', 'confirmed')
    )
$$;

CREATE FUNCTION reservation_guard_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'draft' THEN
            RAISE EXCEPTION 'reservation % must start as a draft, not %', NEW.id, NEW.status
                USING ERRCODE = '23514';
        END IF;
    ELSIF NEW.status <> OLD.status AND NOT reservation_move_allowed(OLD.status, NEW.status) THEN
        RAISE EXCEPTION 'reservation %: illegal move from % to %', OLD.id, OLD.status, NEW.status
            USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reservation_guard_move BEFORE INSERT OR UPDATE ON reservation_reservation
    FOR EACH ROW EXECUTE FUNCTION reservation_guard_move();

CREATE FUNCTION reservation_guard_item() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        RAISE EXCEPTION 'items are immutable: % refused', TG_OP USING ERRCODE = '23514';
    END IF;
    IF NEW.currency <> (SELECT currency FROM reservation_reservation WHERE id = NEW.reservation_id) THEN
        RAISE EXCEPTION 'an item has the currency of its reservation, not %', NEW.currency
            USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reservation_guard_item BEFORE INSERT OR UPDATE OR DELETE ON reservation_item
    FOR EACH ROW EXECUTE FUNCTION reservation_guard_item();
"""

NO_GUARDS = """
DROP TRIGGER reservation_guard_item ON reservation_item;
DROP FUNCTION reservation_guard_item();
DROP TRIGGER reservation_guard_move ON reservation_reservation;
DROP FUNCTION reservation_guard_move();
DROP FUNCTION reservation_move_allowed(text, text);
"""


class Migration(migrations.Migration):
    """The guards."""

    dependencies = [("reservation", "0001_initial")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
