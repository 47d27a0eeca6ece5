"""Nobody dates an entry of the audit trail: it stands at the time of the database, whatever the writer said."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION date_audit_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.recorded_at := statement_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER audit_entry_dated_here BEFORE INSERT ON core_auditentry
    FOR EACH ROW EXECUTE FUNCTION date_audit_entry();
"""
BACKWARDS = """
DROP TRIGGER audit_entry_dated_here ON core_auditentry;
DROP FUNCTION date_audit_entry();
"""


class Migration(migrations.Migration):
    """A trigger gives each new entry its time."""

    dependencies = [("core", "0004_next_of_a_lock")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
