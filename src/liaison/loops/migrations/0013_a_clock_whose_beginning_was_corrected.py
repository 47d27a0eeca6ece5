"""A clock that was void because what it counted from was corrected says so in a code."""

from django.db import migrations, models

BECAUSE = [
    ("death", "the patient died"),
    ("closed", "the loop closed"),
    ("too_late", "its time was over"),
    ("corrected", "what it counted from was corrected"),
]
NAME = "clock_voided_because_of_something_known"


class Migration(migrations.Migration):
    dependencies = [("loops", "0012_what_took_evidence_back")]

    operations = [
        migrations.AlterField(
            "clock", "voided_because", models.CharField(blank=True, choices=BECAUSE, default="", max_length=20)
        ),
        migrations.RemoveConstraint("clock", NAME),
        migrations.AddConstraint(
            "clock",
            models.CheckConstraint(
                name=NAME,
                condition=models.Q(voided_because="")
                | models.Q(voided_because__in=[code for code, _ in BECAUSE], voided_at__isnull=False),
            ),
        ),
    ]
