"""A promise that nobody could own when it was due to be made is kept until somebody can."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_rate_limits_shared_by_processes"),
        ("loops", "0004_evidence_that_rested_on_a_mistake"),
        ("patients", "0003_disputed_identifiers"),
    ]

    operations = [
        migrations.CreateModel(
            name="WaitingPromise",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=60)),
                ("title", models.CharField(max_length=300)),
                ("about_type", models.CharField(blank=True, default="", max_length=60)),
                ("about_id", models.BigIntegerField(blank=True, null=True)),
                (
                    "priority",
                    models.CharField(
                        choices=[("routine", "routine"), ("urgent", "urgent"), ("clinical", "clinical")],
                        default="routine",
                        max_length=10,
                    ),
                ),
                ("once_key", models.CharField(max_length=200)),
                ("clocks", models.JSONField()),
                ("since", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("ended_why", models.CharField(blank=True, default="", max_length=300)),
                (
                    "loop",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="loops.loop",
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="patients.patient"
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.site",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("once_key",),
                        name="loops_promise_waits_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("ended_why", ""), ("loop__isnull", True)),
                            models.Q(("ended_at__isnull", False), models.Q(("ended_why", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="loops_promise_ended_says_why",
                    ),
                ],
            },
        ),
    ]
