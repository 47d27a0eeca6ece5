"""Which proof a line of the story tells of, and that a next step is a call, stand in columns beside the words."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("loops", "0009_what_voided_a_clock")]

    operations = [
        migrations.AddField("loopevent", "evidence", models.CharField(blank=True, default="", max_length=60)),
        migrations.AddField("clock", "is_call", models.BooleanField(default=False)),
        migrations.AddField("loop", "next_is_call", models.BooleanField(default=False)),
    ]
