"""The audit trail is append-only, and presence survives nothing: it need not be logged."""

from django.db import migrations

APPEND_ONLY = """
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'core_auditentry' THEN
        IF OLD.seal_id IS NULL AND NEW.seal_id IS NOT NULL
           AND (to_jsonb(NEW) - 'seal_id') = (to_jsonb(OLD) - 'seal_id') THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'The audit trail is append-only.' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE ON core_auditentry
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_entry_never_truncated BEFORE TRUNCATE ON core_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_seal_append_only BEFORE UPDATE OR DELETE ON core_auditseal
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_seal_never_truncated BEFORE TRUNCATE ON core_auditseal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
ALTER TABLE core_presence SET UNLOGGED;
"""

FREE = """
DROP TRIGGER audit_seal_never_truncated ON core_auditseal;
DROP TRIGGER audit_seal_append_only ON core_auditseal;
DROP TRIGGER audit_entry_never_truncated ON core_auditentry;
DROP TRIGGER audit_entry_append_only ON core_auditentry;
DROP FUNCTION refuse_audit_change();
ALTER TABLE core_presence SET LOGGED;
"""


class Migration(migrations.Migration):
    """Triggers that refuse change, removal and truncation."""

    dependencies = [("core", "0001_audit_and_presence")]
    operations = [migrations.RunSQL(APPEND_ONLY, FREE)]
