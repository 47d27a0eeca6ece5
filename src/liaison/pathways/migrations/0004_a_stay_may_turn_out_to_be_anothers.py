"""A stay that is another patient's leaves the first one's follow-up, taken back, beside the one that is right."""

from django.db import migrations, models

NAME = "pathways_enrolled_once_for_an_anchor"


class Migration(migrations.Migration):
    dependencies = [("pathways", "0003_which_clocks_were_over")]

    operations = [
        migrations.RemoveConstraint("enrolment", NAME),
        migrations.AddConstraint(
            "enrolment",
            models.UniqueConstraint(
                fields=["protocol", "anchor"], condition=models.Q(voided_at__isnull=True), name=NAME
            ),
        ),
    ]
