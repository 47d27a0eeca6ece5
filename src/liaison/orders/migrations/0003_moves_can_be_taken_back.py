"""A step remembers what stood before it, so that a mistake can be taken back; who did stands beside it."""

import django.core.serializers.json
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0002_notes_stand_on_the_referrers_desk"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField("referralstep", "proof", models.CharField(blank=True, default="", max_length=60)),
        migrations.AddField(
            "referralstep",
            "before",
            models.JSONField(blank=True, default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
        ),
        migrations.AddField("referralstep", "undone_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "referralstep",
            "undone_by",
            models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField("referralstep", "undone_by_name", models.CharField(blank=True, default="", max_length=200)),
        migrations.AddConstraint(
            "referralstep",
            models.CheckConstraint(
                name="step_undone_says_by_whom",
                condition=models.Q(undone_at=None, undone_by=None, undone_by_name="")
                | (models.Q(undone_at__isnull=False) & ~models.Q(undone_by_name="")),
            ),
        ),
    ]
