"""The timeline and the consent ledger are append-only, whoever writes to them."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION crm_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER crm_consent_is_append_only
    BEFORE UPDATE OR DELETE ON crm_consent
    FOR EACH ROW EXECUTE FUNCTION crm_refuse_change();

-- An event that did not name its account may be told later whose it was: once, and nothing else.
CREATE TRIGGER crm_interaction_is_append_only
    BEFORE UPDATE ON crm_interaction
    FOR EACH ROW
    WHEN (OLD.account_id IS NOT NULL
          OR to_jsonb(NEW) - 'account_id' IS DISTINCT FROM to_jsonb(OLD) - 'account_id')
    EXECUTE FUNCTION crm_refuse_change();

-- What a replay can write again may be deleted; what CRM itself did may not.
CREATE TRIGGER crm_interaction_of_ours_stays
    BEFORE DELETE ON crm_interaction
    FOR EACH ROW WHEN (OLD.source_event_id IS NULL)
    EXECUTE FUNCTION crm_refuse_change();
"""

NO_GUARDS = """
DROP TRIGGER crm_interaction_of_ours_stays ON crm_interaction;
DROP TRIGGER crm_interaction_is_append_only ON crm_interaction;
DROP TRIGGER crm_consent_is_append_only ON crm_consent;
DROP FUNCTION crm_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("crm", "0001_initial")]

    operations = [migrations.RunSQL(GUARDS, NO_GUARDS)]
