"""The check that codes decide, and never the words that people read."""

import pytest

from tools.codes_decide import in_code, in_template


@pytest.mark.parametrize(
    "line",
    [
        "line.sentence.startswith('Closed')",
        "loop.next_step[:5].startswith('Call ')",
        "title.lower().endswith('visit')",
        "'Call' in row.next_step",
        "'Call' not in sentence",
        "lines.filter(sentence__startswith=starts)",
        "Loop.objects.exclude(clocks__step__iregex='^call')",
    ],
)
def test_a_decision_by_words_is_told(line: str) -> None:
    assert in_code(f"found = {line}", name="x.py") == [f"x.py:1: found = {line}"]


@pytest.mark.parametrize(
    "line",
    [
        "once_key.startswith(UNTOLD)",
        "event.what in {'evidence', 'closed'}",
        "found in line.sentence",
        "rows.filter(title__icontains=word)",
        "rows.filter(once_key__startswith=KEY)",
        "sentence.rstrip('.')",
        "title[:300]",
        "step == 'missed'",
        "titles[0].startswith('x')",
    ],
)
def test_codes_may_be_asked_and_words_may_be_shown_and_searched(line: str) -> None:
    assert in_code(f"found = {line}", name="x.py") == []


@pytest.mark.parametrize(
    "tag",
    [
        "{% if row.next_step|slice:':5' == 'Call ' %}",
        "{% elif row.title|first == 'C' %}",
        '{% if "Call" in row.next_step %}',
        "{% if a and 'x' not in line.sentence %}",
    ],
)
def test_a_template_that_asks_about_a_part_of_a_text_is_told(tag: str) -> None:
    assert in_template(f"<p>\n{tag}</p>", name="x.html") == [f"x.html:2: {tag}"]


@pytest.mark.parametrize(
    "tag",
    [
        "{% for each in rows|slice:':4' %}",
        "{% if row.next_is_call %}",
        "{% if 'loops.take' in story.may %}",
        "{{ a|slice:':5' }}",
    ],
)
def test_a_template_may_shorten_and_ask_codes(tag: str) -> None:
    assert in_template(tag, name="x.html") == []
