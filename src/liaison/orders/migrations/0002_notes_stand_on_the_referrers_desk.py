"""Notes that wait for their referrer's review when this arrives stand on that person's desk too."""

from django.db import migrations

NAME_THE_REFERRER = """
UPDATE loops_clock SET waiting_on_user_id = directory_practitioner.user_id
FROM orders_referral JOIN directory_practitioner ON directory_practitioner.id = orders_referral.referrer_id
WHERE loops_clock.loop_id = orders_referral.loop_id AND loops_clock.rule_id = 'referral.review'
  AND loops_clock.satisfied_at IS NULL AND loops_clock.voided_at IS NULL
  AND directory_practitioner.user_id IS NOT NULL
"""
REPEAT_IT_ON_THE_LOOP = """
UPDATE loops_loop SET waiting_on_user_id = loops_clock.waiting_on_user_id
FROM loops_clock
WHERE loops_clock.loop_id = loops_loop.id AND loops_clock.waiting_on_user_id IS NOT NULL
  AND loops_clock.satisfied_at IS NULL AND loops_clock.voided_at IS NULL
  AND loops_loop.state = 'open' AND loops_loop.next_step = loops_clock.step
"""


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0001_referrals_and_their_history"),
        ("loops", "0003_a_step_waits_on_a_person"),
        ("directory", "0001_practitioners_organizations_and_specialties"),
    ]

    operations = [
        migrations.RunSQL(NAME_THE_REFERRER, migrations.RunSQL.noop),
        migrations.RunSQL(REPEAT_IT_ON_THE_LOOP, migrations.RunSQL.noop),
    ]
