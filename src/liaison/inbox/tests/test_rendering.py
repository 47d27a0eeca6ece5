"""Merge fields are filled or refused, and text stays text."""

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaison.inbox.rules.rendering import Missing, Rendered, as_html, language_of, render, written

DAY = date(2026, 3, 2)


def filled(
    body: str, *, subject: str = "s", required: tuple[str, ...] = (), language: str = "en", **context: object
) -> Rendered | Missing:
    """The text with its fields filled."""
    return render(
        subject=subject,
        body=body,
        required=frozenset(required),
        context=context,
        language=language,  # type: ignore[arg-type]  # drawn from a table of strings
    )


def test_fields_are_filled_in_subject_and_body() -> None:
    found = filled("Hello {called_as}", subject="For {called_as}\nBcc: x", called_as="Walter")
    assert found == Rendered(subject="For Walter Bcc: x", body="Hello Walter\n")


def test_a_blank_required_field_is_refused_by_name() -> None:
    assert filled("{date} {time}", required=("date", "time"), date="  ") == Missing(fields=("date", "time"))


def test_a_field_that_does_not_exist_is_refused() -> None:
    assert filled("{diagnosis}", diagnosis="secret") == Missing(fields=("diagnosis",))


def test_a_line_whose_fields_are_all_blank_disappears() -> None:
    assert filled("One\n\n{address} {phone}\n\nTwo\nPhone: {site}", site="") == Rendered(
        subject="s", body="One\n\nTwo\n"
    )
    assert filled("{address}{phone}", phone="617") == Rendered(subject="s", body="617\n")


def test_nothing_in_a_message_turns_the_direction_of_other_words_and_every_letter_stays() -> None:
    found = filled("Hello {called_as}\u202e\n{text}\u2066", called_as="שרה\u202d", text="علی\u200cرضا\r\nbye\u202a")
    assert found == Rendered(subject="s", body="Hello שרה\nعلی\u200cرضا\nbye\n")
    assert filled("{text}", required=("text",), text="\u202e\u2069") == Missing(fields=("text",))


def test_what_a_field_holds_is_not_filled_again() -> None:
    assert filled("{text}", text="{date}", date="x") == Rendered(subject="s", body="{date}\n")


@pytest.mark.parametrize(
    ("value", "english", "spanish"),
    [
        (DAY, "Monday, March 2, 2026", "lunes, 2 de marzo de 2026"),
        (time(14, 30), "2:30 PM", "2:30 p. m."),
        (time(0, 5), "12:05 AM", "12:05 a. m."),
        (time(12), "12:00 PM", "12:00 p. m."),
        (
            datetime(2026, 3, 2, 9, tzinfo=UTC),
            "Monday, March 2, 2026, 9:00 AM",
            "lunes, 2 de marzo de 2026, 9:00 a. m.",
        ),
        (
            (datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 5, 9, tzinfo=UTC)),
            "- Monday, March 2, 2026, 9:00 AM\n- Thursday, March 5, 2026, 9:00 AM",
            "- lunes, 2 de marzo de 2026, 9:00 a. m.\n- jueves, 5 de marzo de 2026, 9:00 a. m.",
        ),
        (None, "", ""),
        ("as is", "as is", "as is"),
    ],
)
def test_dates_and_times_are_written_in_the_language(value: object, english: str, spanish: str) -> None:
    assert written(value, language="en") == english  # type: ignore[arg-type]  # drawn from a table of strings
    assert written(value, language="es") == spanish  # type: ignore[arg-type]  # drawn from a table of strings


@pytest.mark.parametrize(
    ("tag", "language"),
    [("es", "es"), ("es-MX", "es"), ("ES_us", "es"), ("en-US", "en"), ("zh-Hant", "en"), ("", "en")],
)
def test_we_write_in_the_patients_language_or_english(tag: str, language: str) -> None:
    assert language_of(tag) == language


def test_the_html_holds_the_same_words_and_clickable_links() -> None:
    page = as_html("Hello <Walter>\nnext line\n\nSee https://example.org/a?b=1&c=2.", language="es")
    assert '<html lang="es">' in page
    assert "<p>Hello &lt;Walter&gt;<br>\nnext line</p>" in page
    assert '<a href="https://example.org/a?b=1&amp;c=2">https://example.org/a?b=1&amp;c=2</a>.' in page


@given(st.text())
def test_no_text_can_bring_a_tag_into_the_html(text: str) -> None:
    page = as_html(text, language="en")
    assert page.count("<") == as_html("", language="en").count("<") + sum(
        page.count(tag) for tag in ("<p>", "</p>", "<br>", '<a href="', "</a>")
    )
