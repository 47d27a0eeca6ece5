"""Which version of the readers the kept resources were read with."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Additive."""

    dependencies = [("records", "0002_find_who_pays")]

    operations = [
        migrations.CreateModel(
            name="Reading",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("readers_version", models.PositiveIntegerField()),
                ("read_at", models.DateTimeField()),
            ],
        ),
    ]
