"""Clocks of the two business days that ended without contact say so in a code, beside the sentence."""

from django.db import migrations

FROM_THE_SENTENCE = """
UPDATE loops_clock SET voided_because = 'too_late'
WHERE rule_id = 'tcm.contact' AND voided_at IS NOT NULL
  AND voided_reason = 'The two business days are over without contact. Keep trying.'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("pathways", "0002_times_in_which_a_protocol_is_off"),
        ("loops", "0009_what_voided_a_clock"),
    ]

    operations = [migrations.RunSQL(FROM_THE_SENTENCE, migrations.RunSQL.noop)]
