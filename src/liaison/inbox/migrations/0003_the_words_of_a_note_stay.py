"""The words of a note, its writer and its time never change, whatever the program does; a struck one stays struck."""

from django.db import migrations

STAY = """
CREATE FUNCTION refuse_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.text, OLD.clinical, OLD.happened_at, OLD.noted_at, OLD.by_name)
       IS NOT DISTINCT FROM (NEW.text, NEW.clinical, NEW.happened_at, NEW.noted_at, NEW.by_name)
       AND OLD.by_id IS NOT DISTINCT FROM NEW.by_id
       AND (OLD.struck_at IS NULL OR (OLD.struck_at, OLD.struck_by_name, OLD.struck_reason)
            IS NOT DISTINCT FROM (NEW.struck_at, NEW.struck_by_name, NEW.struck_reason)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A note is added to or struck out, never changed.' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER note_words_stay BEFORE UPDATE OR DELETE ON inbox_note
    FOR EACH ROW EXECUTE FUNCTION refuse_note_change();
"""

FREE = """
DROP TRIGGER note_words_stay ON inbox_note;
DROP FUNCTION refuse_note_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("inbox", "0002_notes"),
    ]

    operations = [migrations.RunSQL(STAY, FREE)]
