"""What a page asks many times is asked once for it, and asked again for the next."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liaison.core.clock import current_time
from liaison.core.postgres.guard import writes_open
from liaison.core.remembering import remembering
from liaison.loops.access import EVIDENCE, SEE, TAKE
from liaison.loops.models import Holiday
from liaison.loops.queries import business_calendar
from liaison.loops.tests.cast import gather

pytestmark = pytest.mark.django_db


def test_a_page_asks_once_however_many_verbs_it_asks_about():
    cast = gather()
    with remembering(), CaptureQueriesContext(connection) as asked:
        assert all(cast.walter.reachable_by(cast.rosa, verb, now=current_time()) for verb in (SEE, EVIDENCE, None, SEE))
        assert cast.walter.reachable_by(cast.rosa, TAKE, now=current_time())
    assert len(asked) == 2  # what emergency access opens, and what it does not


def test_rosa_is_not_answered_with_what_pat_was_told():
    cast = gather()
    with remembering():
        assert not cast.walter.reachable_by(cast.pat, SEE, now=current_time())
        assert cast.walter.reachable_by(cast.rosa, SEE, now=current_time())
        assert not cast.walter.reachable_by(cast.pat, SEE, now=current_time())


def test_the_next_page_sees_what_changed():
    cast = gather()
    with remembering():
        assert cast.walter.reachable_by(cast.rosa, SEE, now=current_time())
    with writes_open():
        cast.walter.sites.all().delete()
    with remembering():
        assert not cast.walter.reachable_by(cast.rosa, SEE, now=current_time())


def test_a_page_reads_the_days_off_of_each_site_once_and_the_next_page_anew():
    cast = gather()
    monday = date(2026, 11, 23)
    with remembering(), CaptureQueriesContext(connection) as asked:
        calendars = [business_calendar(site_id=cast.riverside.pk) for _ in range(3)]
        business_calendar()
    assert len(asked) == 2
    assert all(one.is_business_day(monday) for one in calendars)
    with writes_open():
        Holiday.objects.create(calendar="organization", on=monday, name="Moving house")
    with remembering():
        assert not business_calendar().is_business_day(monday)
