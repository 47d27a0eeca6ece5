"""Read once more from the words what the columns say from now on.

A line that told of evidence and the evidence have one instant; of several, the first line told of the first. Where there
are more of the one than of the other nothing is said: such a line stays hidden from who reads no chart. What began with
"Call " was shown as a call until now.
"""

from django.db import migrations

LINES = """
UPDATE loops_loopevent e SET evidence = p.kind
FROM (
  SELECT id, loop_id, at, row_number() OVER (PARTITION BY loop_id, at ORDER BY id) AS nth,
    count(*) OVER (PARTITION BY loop_id, at) AS in_all
  FROM loops_loopevent
  WHERE what = 'evidence' OR (what = 'closed' AND sentence NOT LIKE 'Closed%')
) l
JOIN (
  SELECT loop_id, at, kind, row_number() OVER (PARTITION BY loop_id, at ORDER BY id) AS nth,
    count(*) OVER (PARTITION BY loop_id, at) AS in_all
  FROM loops_evidence
) p USING (loop_id, at, nth, in_all)
WHERE e.id = l.id
"""
CLOCKS = "UPDATE loops_clock SET is_call = true WHERE step LIKE 'Call %'"
LOOPS = "UPDATE loops_loop SET next_is_call = true WHERE next_step LIKE 'Call %'"
WAITING = """
UPDATE loops_waitingpromise SET clocks = (
  SELECT jsonb_agg(each || jsonb_build_object('is_call', each ->> 'step' LIKE 'Call %') ORDER BY nth)
  FROM jsonb_array_elements(clocks) WITH ORDINALITY AS one (each, nth)
)
WHERE jsonb_array_length(clocks) > 0
"""


class Migration(migrations.Migration):
    dependencies = [("loops", "0010_what_a_line_proves_and_a_step_that_is_a_call")]

    operations = [migrations.RunSQL(sql, migrations.RunSQL.noop) for sql in (LINES, CLOCKS, LOOPS, WAITING)]
