"""The check that a view asks queries, never the database, and the clock once."""

import pytest

from tools.views_ask import addressed_in, second_looks, wrong_lines


@pytest.mark.parametrize(
    "line",
    [
        "Site.objects.all()",
        "patient.sites.order_by('pk')",
        "Patient.visible_to(actor)",
        "known.hours.select_related('site')",
        "found.first()",
        "get_object_or_404(Assignment, pk=1)",
        "point.refresh_from_db()",
    ],
)
def test_a_question_to_the_database_is_told(line: str) -> None:
    assert wrong_lines(f"rows = {line}", name="x.py") == [f"x.py:1: rows = {line}"]


def test_each_line_is_told_once_and_where_the_word_stands() -> None:
    source = "rows = (\n    Site.objects\n    .filter(pk=1)\n    .first()\n)\n"
    assert wrong_lines(source, name="x.py") == ["x.py:2: Site.objects", "x.py:3: .filter(pk=1)", "x.py:4: .first()"]


@pytest.mark.parametrize(
    "line",
    ["queries.visit_types(actor)", "kind.needs.all()", "shown.first.id", "given.get('site')", "made.loops.count()"],
)
def test_a_question_to_queries_or_to_values_is_fine(line: str) -> None:
    assert wrong_lines(f"rows = {line}", name="x.py") == []


VIEWS = frozenset({"show", "change"})

LOOKS_ONCE = """
def show(request):
    now = current_time()
    return _page(request, now=now)

def change(request):
    return _page(request, now=current_time())

def _page(request, *, now):
    return [now for _ in range(2)]
"""


def test_a_view_that_reads_the_clock_once_is_fine_and_so_is_another_one_beside_it() -> None:
    assert second_looks(LOOKS_ONCE, name="x.py", addressed=VIEWS) == []


@pytest.mark.parametrize(
    "lines",
    [
        ["def show(request):", "    found = get(now=current_time())", "    return page(found, now=current_time())"],
        ["def show(request):", "    return [current_time() for _ in rows]"],
        ["def show(request):", "    for row in rows:", "        row.touch(clock.current_time())"],
        ["def show(request):", "    return attempt(lambda: do(now=current_time()))"],
        ["def show(request):", "    return change(request, 1)"],
        ["def show(request):", "    return views.change(request)"],
        ["def _page(request):", "    return {'now': current_time()}"],
        ["class Page:", "    def show(self):", "        return current_time()"],
        ["clock = current_time"],
    ],
    ids=["twice", "list", "loop", "later", "another view", "a view elsewhere", "a helper", "a class", "another name"],
)
def test_what_may_give_one_request_a_second_now_is_told(lines: list[str]) -> None:
    told = second_looks("\n".join(lines), name="x.py", addressed=VIEWS)
    assert told == [f"x.py:{len(lines)}: {lines[-1].strip()}"]


def test_a_function_of_the_same_name_that_is_given_something_else_is_no_view() -> None:
    source = "def show(request):\n    return actions.change(actor_of(request), now=current_time())\n"
    assert second_looks(source, name="x.py", addressed=VIEWS) == []


def test_views_are_what_the_addresses_lead_to() -> None:
    source = (
        "urlpatterns = [\n"
        "    path('a/', views.show, name='show'),\n"
        "    path('b/', change, name='change'),\n"
        "    path('b/off/', views.turn, {'to': 'off'}, name='off'),\n"
        "    path('c/', login_not_required(session.locked), name='locked'),\n"
        "    path('d/', include('allauth.mfa.urls')),\n"
        "]\n"
    )
    assert addressed_in(source) == {"show", "change", "turn", "locked"}
