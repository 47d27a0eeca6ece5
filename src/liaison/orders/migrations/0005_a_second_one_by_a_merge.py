"""That two referrals stand side by side because records were merged is a column, beside the sentence."""

from django.db import migrations, models

FROM_THE_SENTENCE = """
UPDATE orders_referral SET duplicate_by_merge = true
WHERE duplicate_reason = 'Two records of one patient were merged.'
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0004_a_form_refers_once")]

    operations = [
        migrations.AddField("referral", "duplicate_by_merge", models.BooleanField(default=False)),
        migrations.RunSQL(FROM_THE_SENTENCE, migrations.RunSQL.noop),
        migrations.AddConstraint(
            "referral",
            models.CheckConstraint(
                name="referral_second_by_a_merge_says_so",
                condition=models.Q(duplicate_by_merge=False) | ~models.Q(duplicate_reason=""),
            ),
        ),
    ]
