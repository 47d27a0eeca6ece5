"""Someone on a step stops its ladder until it moves; a form that is sent twice hands a desk over once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("loops", "0006_promises_that_could_not_be_opened")]

    operations = [
        migrations.AddField(
            model_name="loop",
            name="acknowledged_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name="loop",
            constraint=models.CheckConstraint(
                condition=models.Q(("acknowledged_at__isnull", True)) | models.Q(("next_escalation_at__isnull", True)),
                name="loop_acknowledged_rests",
            ),
        ),
        migrations.AddField(
            model_name="handover",
            name="idempotency_key",
            field=models.CharField(blank=True, max_length=200, null=True, unique=True),
        ),
    ]
