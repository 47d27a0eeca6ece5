"""What took evidence back, where it was no slip of a person, stands in a code beside the words that people read."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("loops", "0011_fill_what_only_words_said")]

    operations = [
        migrations.AddField("evidence", "withdrawn_because", models.CharField(blank=True, default="", max_length=40)),
        migrations.AddConstraint(
            "evidence",
            models.CheckConstraint(
                name="evidence_taken_back_because_of_something",
                condition=models.Q(withdrawn_because="") | models.Q(withdrawn_at__isnull=False),
            ),
        ),
    ]
