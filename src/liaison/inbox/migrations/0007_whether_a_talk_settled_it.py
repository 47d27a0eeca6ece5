"""Who talked says whether it settled what is promised; that stays as said, like the call's words."""

from django.db import migrations, models

STAYS = """
CREATE OR REPLACE FUNCTION refuse_call_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.said, OLD.outcome, OLD.with_whom, OLD.clinical, OLD.started_at, OLD.logged_at,
                             OLD.by_name)
       IS NOT DISTINCT FROM (NEW.said, NEW.outcome, NEW.with_whom, NEW.clinical, NEW.started_at, NEW.logged_at,
                             NEW.by_name)
       AND OLD.settled IS NOT DISTINCT FROM NEW.settled
       AND OLD.by_id IS NOT DISTINCT FROM NEW.by_id
       AND (OLD.struck_at IS NULL OR (OLD.struck_at, OLD.struck_by_name, OLD.struck_why, OLD.struck_words)
            IS NOT DISTINCT FROM (NEW.struck_at, NEW.struck_by_name, NEW.struck_why, NEW.struck_words)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A call is struck out, never changed.' USING ERRCODE = 'insufficient_privilege';
END $$;
"""

STAYED = """
CREATE OR REPLACE FUNCTION refuse_call_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.said, OLD.outcome, OLD.with_whom, OLD.clinical, OLD.started_at, OLD.logged_at,
                             OLD.by_name)
       IS NOT DISTINCT FROM (NEW.said, NEW.outcome, NEW.with_whom, NEW.clinical, NEW.started_at, NEW.logged_at,
                             NEW.by_name)
       AND OLD.by_id IS NOT DISTINCT FROM NEW.by_id
       AND (OLD.struck_at IS NULL OR (OLD.struck_at, OLD.struck_by_name, OLD.struck_why, OLD.struck_words)
            IS NOT DISTINCT FROM (NEW.struck_at, NEW.struck_by_name, NEW.struck_why, NEW.struck_words)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A call is struck out, never changed.' USING ERRCODE = 'insufficient_privilege';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("inbox", "0006_calls_entered_by_mistake")]

    operations = [
        migrations.AddField("call", "settled", models.BooleanField(blank=True, null=True)),
        migrations.AddConstraint(
            "call",
            models.CheckConstraint(
                name="call_settled_was_reached",
                condition=models.Q(settled=None) | models.Q(outcome="reached"),
            ),
        ),
        migrations.RunSQL(STAYS, STAYED),
    ]
