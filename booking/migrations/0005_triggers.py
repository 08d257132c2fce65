"""Triggers that refuse what must not be: illegal moves of a call, changed plans and requests, forged ends.

The tables of legal moves stand in the triggers' conditions, so that a legal move never enters a function.
"""

from django.db import migrations

GUARDS = """
DROP TRIGGER booking_guard_saga ON saga;
DROP FUNCTION booking_guard_saga();

CREATE FUNCTION booking_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% %: %', TG_TABLE_NAME, OLD.id, TG_ARGV[0] USING ERRCODE = '23514';
END
$$;
CREATE FUNCTION booking_refuse_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% %: illegal move from % to %', TG_TABLE_NAME, OLD.id, OLD.state, NEW.state
        USING ERRCODE = '23514';
END
$$;
CREATE FUNCTION booking_refuse_start() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% % must start %, not %', TG_TABLE_NAME, NEW.id, TG_ARGV[0], NEW.state
        USING ERRCODE = '23514';
END
$$;
CREATE FUNCTION booking_refuse_forged_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM saga_step WHERE saga_id = NEW.id AND state NOT IN ('done', 'accepted')
        AND direction = CASE NEW.state WHEN 'completed' THEN 'forward' ELSE 'compensate' END
    ) THEN
        RAISE EXCEPTION 'saga % is not %: it has open calls', NEW.id, NEW.state USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION booking_refuse_live_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM saga WHERE id = OLD.saga_id AND finished_at IS NULL) THEN
        RAISE EXCEPTION '% %: its saga is not over', TG_TABLE_NAME, OLD.id USING ERRCODE = '23514';
    END IF;
    RETURN OLD;
END
$$;

CREATE TRIGGER booking_saga_starts BEFORE INSERT ON saga FOR EACH ROW
    WHEN (NEW.state <> 'running') EXECUTE FUNCTION booking_refuse_start('running');
CREATE TRIGGER booking_saga_moves BEFORE UPDATE OF state ON saga FOR EACH ROW
    WHEN (NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('running', 'pivoting'), ('running', 'compensating'), ('running', 'completed'),
        ('pivoting', 'finishing'), ('pivoting', 'compensating'),
        ('finishing', 'completed'),
        ('compensating', 'failed'), ('compensating', 'cancelled')
    )) EXECUTE FUNCTION booking_refuse_move();
CREATE TRIGGER booking_saga_over BEFORE UPDATE ON saga FOR EACH ROW
    WHEN (OLD.finished_at IS NOT NULL AND OLD.state = NEW.state)
    EXECUTE FUNCTION booking_refuse('it is over, nothing can change it');
CREATE TRIGGER booking_saga_plan BEFORE UPDATE OF id, name, version, plan, subject_id, created_at ON saga
    FOR EACH ROW WHEN ((OLD.id, OLD.name, OLD.version, OLD.plan, OLD.subject_id, OLD.created_at)
        IS DISTINCT FROM (NEW.id, NEW.name, NEW.version, NEW.plan, NEW.subject_id, NEW.created_at))
    EXECUTE FUNCTION booking_refuse('its plan and subject are fixed at its start');
CREATE TRIGGER booking_saga_fence BEFORE UPDATE OF epoch ON saga FOR EACH ROW
    WHEN (NEW.epoch < OLD.epoch) EXECUTE FUNCTION booking_refuse('its epoch only rises');
CREATE TRIGGER booking_saga_ends AFTER UPDATE OF state ON saga FOR EACH ROW
    WHEN (NEW.finished_at IS NOT NULL AND NEW.state <> OLD.state)
    EXECUTE FUNCTION booking_refuse_forged_end();
CREATE TRIGGER booking_saga_kept BEFORE DELETE ON saga FOR EACH ROW
    WHEN (OLD.finished_at IS NULL) EXECUTE FUNCTION booking_refuse('it is not over');

CREATE TRIGGER booking_saga_step_starts BEFORE INSERT ON saga_step FOR EACH ROW
    WHEN (NEW.state <> 'pending') EXECUTE FUNCTION booking_refuse_start('pending');
CREATE TRIGGER booking_saga_step_moves BEFORE UPDATE OF state ON saga_step FOR EACH ROW
    WHEN (NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('pending', 'claimed'), ('pending', 'unknown'), ('pending', 'done'), ('pending', 'refused'),
        ('pending', 'parked'), ('pending', 'accepted'),
        ('claimed', 'pending'), ('claimed', 'unknown'), ('claimed', 'waiting'), ('claimed', 'verifying'),
        ('claimed', 'done'), ('claimed', 'refused'), ('claimed', 'parked'),
        ('unknown', 'claimed'), ('unknown', 'done'), ('unknown', 'refused'), ('unknown', 'accepted'),
        ('unknown', 'parked'),
        ('waiting', 'claimed'), ('waiting', 'unknown'), ('waiting', 'parked'),
        ('verifying', 'claimed'), ('verifying', 'unknown'), ('verifying', 'parked'),
        ('refused', 'pending'), ('refused', 'unknown'), ('refused', 'done'), ('refused', 'accepted'),
        ('parked', 'pending'), ('parked', 'done'), ('parked', 'accepted')
    )) EXECUTE FUNCTION booking_refuse_move();
CREATE TRIGGER booking_saga_step_identity BEFORE UPDATE OF saga_id, step, item, direction, given ON saga_step
    FOR EACH ROW WHEN ((OLD.saga_id, OLD.step, OLD.item, OLD.direction, OLD.given)
        IS DISTINCT FROM (NEW.saga_id, NEW.step, NEW.item, NEW.direction, NEW.given))
    EXECUTE FUNCTION booking_refuse('what it calls is fixed at its start');
CREATE TRIGGER booking_saga_step_request BEFORE UPDATE OF request ON saga_step FOR EACH ROW
    WHEN (OLD.request IS NOT NULL AND NEW.request IS DISTINCT FROM OLD.request)
    EXECUTE FUNCTION booking_refuse('a retry sends the same request');
CREATE TRIGGER booking_saga_step_fence BEFORE UPDATE OF epoch, attempt, key ON saga_step FOR EACH ROW
    WHEN (NEW.epoch < OLD.epoch OR NEW.attempt < OLD.attempt
        OR (NEW.attempt = OLD.attempt AND NEW.key <> OLD.key))
    EXECUTE FUNCTION booking_refuse('epoch and attempt only rise, and the key changes with the attempt');
CREATE TRIGGER booking_saga_step_kept BEFORE DELETE ON saga_step FOR EACH ROW
    EXECUTE FUNCTION booking_refuse_live_delete();
CREATE TRIGGER booking_saga_event_kept BEFORE DELETE ON saga_event FOR EACH ROW
    EXECUTE FUNCTION booking_refuse_live_delete();
"""

BACK = """
DROP TRIGGER booking_saga_event_kept ON saga_event;
DROP TRIGGER booking_saga_step_kept ON saga_step;
DROP TRIGGER booking_saga_step_fence ON saga_step;
DROP TRIGGER booking_saga_step_request ON saga_step;
DROP TRIGGER booking_saga_step_identity ON saga_step;
DROP TRIGGER booking_saga_step_moves ON saga_step;
DROP TRIGGER booking_saga_step_starts ON saga_step;
DROP TRIGGER booking_saga_kept ON saga;
DROP TRIGGER booking_saga_ends ON saga;
DROP TRIGGER booking_saga_fence ON saga;
DROP TRIGGER booking_saga_plan ON saga;
DROP TRIGGER booking_saga_over ON saga;
DROP TRIGGER booking_saga_moves ON saga;
DROP TRIGGER booking_saga_starts ON saga;
DROP FUNCTION booking_refuse_live_delete();
DROP FUNCTION booking_refuse_forged_end();
DROP FUNCTION booking_refuse_start();
DROP FUNCTION booking_refuse_move();
DROP FUNCTION booking_refuse();

CREATE FUNCTION booking_guard_saga() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'running' THEN
            RAISE EXCEPTION 'saga % must start running, not %', NEW.id, NEW.state USING ERRCODE = '23514';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.state <> OLD.state AND NOT (
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
"""


class Migration(migrations.Migration):
    """The guards."""

    dependencies = [("booking", "0004_constraints")]

    operations = [migrations.RunSQL(GUARDS, BACK)]
