"""Both searches find what PostgreSQL finds: one statement on multiranges, minute by minute, with its own time zones.

Nothing of Liaison's rules stands in the statement: no bits, no spans, no walls. It knows neither who is taken nor the
order of the offers; those are compared between the two searches elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings

from liaison.scheduling.rules import FreeBits, Need, Span, Wish, bits_of, earliest, earliest_in_bits, whole_days
from liaison.scheduling.rules.bits import is_exact
from liaison.scheduling.tests.test_bit_search import EXAMPLES, NEW_YORK, minutes, schedules

ALL = 100_000

EVERY_START = """
WITH resource AS (
    SELECT id, need, spans FROM unnest(%(ids)s::int[], %(need_of)s::int[], %(spans)s::tstzmultirange[])
        AS given(id, need, spans)
), minute AS (
    SELECT at, at AT TIME ZONE %(zone)s AS wall
    FROM generate_series(
        date_trunc('minute', %(start)s::timestamptz) - interval '2 days', %(end)s::timestamptz + interval '2 days',
        interval '1 minute'
    ) AS at
), day AS (
    SELECT wall::date AS on_day,
        min(at) FILTER (WHERE wall::time >= %(from_at)s::time) AS opens,
        min(at) FILTER (WHERE wall::time >= %(to_at)s::time) AS closes
    FROM minute GROUP BY wall::date
)
SELECT at FROM minute JOIN day ON day.on_day = minute.wall::date
WHERE at >= %(start)s AND at < %(end)s
    AND (extract(hour FROM wall) * 60 + extract(minute FROM wall))::int %% %(step)s = 0
    AND (cardinality(%(weekdays)s::int[]) = 0 OR extract(isodow FROM wall)::int - 1 = ANY (%(weekdays)s))
    AND (%(from_at)s::time IS NULL OR at >= day.opens)
    AND (%(to_at)s::time IS NULL OR at + %(duration)s <= day.closes)
    AND NOT %(avoid)s::tstzmultirange && tstzrange(at, at + %(duration)s)
    AND NOT EXISTS (
        SELECT FROM unnest(%(needs)s::int[], %(quantities)s::int[]) AS asked(need, quantity)
        WHERE quantity > (
            SELECT count(*) FROM resource WHERE resource.need = asked.need
                AND spans @> tstzrange(at - %(before)s, at + %(duration)s + %(after)s)
        )
    )
ORDER BY at
"""


def multirange(spans: Sequence[Span]) -> str:
    return "{" + ", ".join(f"[{span.start.isoformat()},{span.end.isoformat()})" for span in spans) + "}"


def starts_by_sql(asked: Wish, needs: Sequence[Need], free: Mapping[int, Sequence[Span]]) -> list[datetime]:
    pairs = [(resource, place) for place, need in enumerate(needs) for resource in need.pool]
    values = {
        "ids": [resource for resource, _ in pairs],
        "need_of": [place for _, place in pairs],
        "spans": [multirange(free.get(resource, ())) for resource, _ in pairs],
        "needs": list(range(len(needs))),
        "quantities": [need.quantity for need in needs],
        "zone": asked.zone.key,
        "start": asked.window.start,
        "end": asked.window.end,
        "step": asked.step.seconds // 60,
        "weekdays": sorted(asked.weekdays),
        "from_at": asked.from_at,
        "to_at": asked.to_at,
        "duration": asked.duration,
        "before": asked.before,
        "after": asked.after,
        "avoid": multirange(asked.avoid),
    }
    with connection.cursor() as cursor:
        cursor.execute(EVERY_START, values)
        return [at.astimezone(UTC) for (at,) in cursor.fetchall()]


def apart(needs: Sequence[Need]) -> list[Need]:
    """The same needs, each with a pool of its own: who serves which of two is no question of times."""
    seen: set[int] = set()
    found = []
    for need in needs:
        pool = tuple(one for one in need.pool if one not in seen)
        seen.update(pool)
        if pool:
            found.append(replace(need, pool=pool))
    return found


@pytest.mark.django_db
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(schedules())
def test_both_searches_start_where_postgresql_starts(
    schedule: tuple[Wish, list[Need], dict[int, tuple[Span, ...]]],
) -> None:
    asked, needs, free = schedule
    asked, needs = replace(asked, limit=ALL, per_day=None), apart(needs)
    expected = starts_by_sql(asked, needs, free)
    assert [offer.start.astimezone(UTC) for offer in earliest(wish=asked, needs=needs, free=free)] == expected
    within = whole_days(Span(asked.window.start - minutes(600), asked.window.end + minutes(3000)))
    bits = FreeBits(
        within=within,
        bits={resource: bits_of(spans, within=within) for resource, spans in free.items()},
        says_all=all(is_exact(spans, start=within.start) for spans in free.values()),
    )
    found = [offer.start.astimezone(UTC) for offer in earliest_in_bits(wish=asked, needs=needs, free=bits)]
    if bits.says_all:
        assert found == expected
    else:
        assert set(found) <= set(expected)


@pytest.mark.django_db
def test_postgresql_itself_is_asked_rightly() -> None:
    """A morning with one other visit in it, on the day on which New York's clocks go forward."""
    night = Span(datetime(2026, 3, 8, 5, tzinfo=UTC), datetime(2026, 3, 8, 9, tzinfo=UTC))  # 0:00 to 5:00, four hours
    taken = Span(datetime(2026, 3, 8, 7, 30, tzinfo=UTC), datetime(2026, 3, 8, 8, tzinfo=UTC))
    asked = Wish(
        duration=minutes(30), before=minutes(5), after=minutes(0), window=night, zone=NEW_YORK, step=minutes(30),
        limit=ALL, avoid=(taken,),
    )  # fmt: skip
    need = Need(role="clinician", pool=(1, 2), quantity=2)
    found = starts_by_sql(asked, [need], {1: (night,), 2: (night,)})
    assert [f"{at.astimezone(NEW_YORK):%H:%M}" for at in found] == [
        "00:30",
        "01:00",
        "01:30",
        "03:00",
        "04:00",
        "04:30",
    ]
    assert starts_by_sql(asked, [need], {1: (night,)}) == []
