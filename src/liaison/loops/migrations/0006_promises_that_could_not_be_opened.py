"""A promise that could not be opened although somebody could own it says since when and why."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("loops", "0005_promises_that_wait_for_an_owner")]

    operations = [
        migrations.AddField(
            model_name="waitingpromise",
            name="failed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="waitingpromise",
            name="failed_why",
            field=models.CharField(blank=True, default="", max_length=100),
        ),
        migrations.AddConstraint(
            model_name="waitingpromise",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("failed_at__isnull", True), ("failed_why", "")),
                    models.Q(("failed_at__isnull", False), models.Q(("failed_why", ""), _negated=True)),
                    _connector="OR",
                ),
                name="loops_promise_failed_says_why",
            ),
        ),
    ]
