from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scheduling", "0008_secret_calendar_addresses"),
    ]

    operations = [
        migrations.AddField(
            model_name="resource",
            name="version",
            field=models.PositiveIntegerField(default=1),
        ),
    ]
