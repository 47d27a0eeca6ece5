"""The table of Django's database cache, so that rate limits hold over all web processes.

Named like django-allauth's own tables: the write guard lets sign-in write it outside `act()`.
"""

from django.db import migrations

CREATE = """
CREATE UNLOGGED TABLE account_cache (
    cache_key varchar(255) NOT NULL PRIMARY KEY,
    value text NOT NULL,
    expires timestamp with time zone NOT NULL
);
CREATE INDEX account_cache_expires ON account_cache (expires);
"""


class Migration(migrations.Migration):
    """An unlogged table: losing it in a crash forgets rate limits, and nothing else."""

    dependencies = [("accounts", "0002_a_first_password_must_change")]
    operations = [migrations.RunSQL(CREATE, "DROP TABLE account_cache")]
