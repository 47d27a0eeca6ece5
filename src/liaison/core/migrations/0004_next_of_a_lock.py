"""Of the jobs with one lock the next begins when the one before has ended.

The queue tells its workers of new jobs only: one that waits for a lock would lie until somebody looks by chance.
"""

from django.db import migrations

FORWARDS = """
CREATE TRIGGER liaison_next_of_a_lock
    AFTER UPDATE OF status ON procrastinate_jobs
    FOR EACH ROW WHEN (old.status = 'doing' AND new.status <> 'doing' AND new.lock IS NOT NULL)
    EXECUTE PROCEDURE procrastinate_notify_queue_job_inserted_v1();
"""
BACKWARDS = "DROP TRIGGER liaison_next_of_a_lock ON procrastinate_jobs;"


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0003_audit_in_order_of_time"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
