from django.db import migrations

TELL_APART = """
UPDATE scheduling_resource AS one SET name = left(one.name, 100) || ' #' || one.id, version = one.version + 1
FROM (
    SELECT id, row_number() OVER (PARTITION BY site_id, lower(name) ORDER BY id) AS nth
    FROM scheduling_resource WHERE retired_at IS NULL AND kind <> 'person'
) AS named
WHERE named.id = one.id AND named.nth > 1
"""


class Migration(migrations.Migration):
    """Of rooms and devices of one name at one site, all but the first get their number behind it."""

    dependencies = [("scheduling", "0010_several_visits_together")]
    operations = [migrations.RunSQL(TELL_APART, migrations.RunSQL.noop)]
