"""What took a step back, where it was no slip of a person, stands in a code."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0005_a_second_one_by_a_merge")]

    operations = [
        migrations.AddField(
            "referralstep",
            "undone_because",
            models.CharField(blank=True, choices=[("review", "the review decided anew")], default="", max_length=20),
        ),
        migrations.AddConstraint(
            "referralstep",
            models.CheckConstraint(
                name="step_undone_because_of_something_known",
                condition=models.Q(undone_because="")
                | models.Q(undone_because__in=["review"], undone_at__isnull=False),
            ),
        ),
    ]
