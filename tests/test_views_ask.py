"""The check that a view asks queries, never the database."""

import pytest

from tools.views_ask import wrong_lines


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
