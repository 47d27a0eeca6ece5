"""Evidence says when what it proves took place, beside when it was recorded."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("loops", "0007_who_is_on_it_and_a_desk_once_handed_over")]

    operations = [migrations.AddField("evidence", "happened_at", models.DateTimeField(blank=True, null=True))]
