"""The audit log only grows: PostgreSQL refuses to change or delete a line of it."""

from django.db import migrations

GUARD = """
CREATE FUNCTION backoffice_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23514';
END
$$;
CREATE TRIGGER backoffice_audit_append_only BEFORE UPDATE OR DELETE ON backoffice_auditentry
    FOR EACH ROW EXECUTE FUNCTION backoffice_append_only();
"""

BACK = """
DROP TRIGGER backoffice_audit_append_only ON backoffice_auditentry;
DROP FUNCTION backoffice_append_only();
"""


class Migration(migrations.Migration):
    """The guard of the audit log."""

    dependencies = [("backoffice", "0001_initial")]

    operations = [migrations.RunSQL(GUARD, BACK)]
