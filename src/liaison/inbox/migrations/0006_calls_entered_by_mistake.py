"""A call that was entered by mistake is struck out: its words stay, whatever the program does."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

STAY = """
CREATE FUNCTION refuse_call_change() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER call_words_stay BEFORE UPDATE OR DELETE ON inbox_call
    FOR EACH ROW EXECUTE FUNCTION refuse_call_change();
"""

FREE = """
DROP TRIGGER call_words_stay ON inbox_call;
DROP FUNCTION refuse_call_change();
"""

WHY = [
    ("wrong_patient", "Wrong patient"),
    ("wrong_person", "Someone else was reached than it says"),
    ("twice", "Logged twice"),
    ("other", "Something else"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("inbox", "0005_texts_edited_here"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField("call", "struck_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "call",
            "struck_by",
            models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField("call", "struck_by_name", models.CharField(blank=True, default="", max_length=200)),
        migrations.AddField("call", "struck_why", models.CharField(blank=True, choices=WHY, default="", max_length=20)),
        migrations.AddField("call", "struck_words", models.CharField(blank=True, default="", max_length=300)),
        migrations.AddConstraint(
            "call",
            models.CheckConstraint(
                name="call_struck_with_a_reason",
                condition=models.Q(struck_at=None, struck_by=None, struck_by_name="", struck_why="", struck_words="")
                | (
                    models.Q(struck_at__isnull=False, struck_why__in=[code for code, _ in WHY])
                    & ~models.Q(struck_by_name="")
                    & (~models.Q(struck_why="other") | ~models.Q(struck_words=""))
                ),
            ),
        ),
        migrations.RunSQL(STAY, FREE),
    ]
