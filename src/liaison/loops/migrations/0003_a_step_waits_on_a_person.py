"""A step that only one person here can take names their account, and stands on their desk as well."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("loops", "0002_hand_overs_of_some_sites"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="clock",
            name="waiting_on_user",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="loop",
            name="waiting_on_user",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="loop",
            index=models.Index(
                condition=models.Q(("state", "open"), ("waiting_on_user__isnull", False)),
                fields=["waiting_on_user", "urgent_at", "id"],
                name="loop_waiting_on_a_person",
            ),
        ),
    ]
