"""What ended a clock that may have to run again stands in a code beside the sentence that people read."""

from django.db import migrations, models

FROM_THE_SENTENCES = """
UPDATE loops_clock SET voided_because =
  CASE voided_reason WHEN 'The patient has died.' THEN 'death' WHEN 'The loop closed.' THEN 'closed' END
WHERE voided_at IS NOT NULL AND voided_reason IN ('The patient has died.', 'The loop closed.')
"""

BECAUSE = [
    ("death", "the patient died"),
    ("closed", "the loop closed"),
    ("too_late", "its time was over"),
]


class Migration(migrations.Migration):
    dependencies = [("loops", "0008_when_what_is_proven_took_place")]

    operations = [
        migrations.AddField(
            "clock", "voided_because", models.CharField(blank=True, choices=BECAUSE, default="", max_length=20)
        ),
        migrations.RunSQL(FROM_THE_SENTENCES, migrations.RunSQL.noop),
        migrations.AddConstraint(
            "clock",
            models.CheckConstraint(
                name="clock_voided_because_of_something_known",
                condition=models.Q(voided_because="")
                | models.Q(voided_because__in=[code for code, _ in BECAUSE], voided_at__isnull=False),
            ),
        ),
    ]
