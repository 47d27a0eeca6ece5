from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("scheduling", "0014_days_planned_anew")]

    operations: ClassVar = [
        migrations.RemoveConstraint(model_name="series", name="scheduling_series_every_weeks"),
        migrations.RenameField(model_name="series", old_name="every_weeks", new_name="every"),
        migrations.AddField(
            model_name="series",
            name="repeats",
            field=models.CharField(
                choices=[("weekly", "weekly"), ("day", "day"), ("weekday", "weekday"), ("last", "last")],
                default="weekly",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="series",
            name="weekdays",
            field=ArrayField(base_field=models.PositiveSmallIntegerField(), blank=True, default=list, size=None),
        ),
        migrations.AddConstraint(
            model_name="series",
            constraint=models.CheckConstraint(condition=models.Q(("every__gte", 1)), name="scheduling_series_every"),
        ),
        migrations.AddConstraint(
            model_name="series",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("repeats", "weekly"), ("weekdays__len__gte", 1)),
                    models.Q(("repeats__in", ["day", "weekday", "last"]), ("weekdays__len", 0)),
                    _connector="OR",
                ),
                name="scheduling_series_repeats",
            ),
        ),
    ]
