import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_rate_limits_shared_by_processes"),
        ("scheduling", "0001_resources_and_appointments"),
    ]

    operations = [
        migrations.CreateModel(
            name="FreeDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("utc_on", models.DateField()),
                ("time_zone", models.CharField(max_length=64)),
                ("bits", models.BinaryField()),
                ("is_exact", models.BooleanField()),
                (
                    "resource",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="scheduling.resource",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.site",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("resource", "site", "utc_on"), name="scheduling_free_day_once")
                ],
            },
        ),
    ]
