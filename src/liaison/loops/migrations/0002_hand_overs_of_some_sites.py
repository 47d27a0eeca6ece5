"""A hand-over moves the loops of the sites which its supervisor supervises; none named means every site."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("loops", "0001_the_ledger_of_loops")]

    operations = [
        migrations.AddField(
            model_name="handover",
            name="site_ids",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), blank=True, null=True, size=None
            ),
        ),
    ]
