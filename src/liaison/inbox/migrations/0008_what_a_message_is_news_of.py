"""A message says what it is news of, so that later news of the same visit takes its place."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inbox", "0007_whether_a_talk_settled_it")]

    operations = [
        migrations.AddField("message", "matter", models.CharField(blank=True, default="", max_length=300)),
    ]
