"""Markup becomes words in one way forward, whatever somebody wrote: a megabyte would take the standard reader hours."""

from __future__ import annotations

import pytest

from liaison.inbox.rules.incoming import read_mail
from liaison.inbox.rules.markup import LONGEST_MARKUP, text_of_html


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("<p>Good <b>day</b></p><div>&lt;bye&gt;</div>", "Good day\n<bye>"),
        ("<head><title>t</title>x</head><script>if (a<b) alert(1)</script>ok", "ok"),
        ("<head>an end is missing<body>yes", "yes"),
        ("</head>one</template>two", "onetwo"),
        ("<head>a < b<p>c</head>d", "d"),
        ("<a title=\"a > b\" href='x>'>link</a>", "link"),
        ('<p title="an end is missing>one</p><p>two</p>', "one\ntwo"),
        ("1 < 2, <3, </3> and <é", "1 < 2, <3, and <é"),
        ("<!DOCTYPE html><?xml ?>a<!-- c > d -->b<![if mso]>c", "abc"),
        ("before<!-- no end <p>after", "before"),
        ("before<style>no end <p>after", "before"),
        ("<p>before <b no end", "before b no end"),
        ("<p>before <b x=\"1\" 'y' no end </i", "before b x=\"1\" 'y' no end /i"),
        ("&#" + "9" * 6_000 + "; &#x" + "f" * 6_000 + " &amp; &#65;", "\ufffd \ufffd & A"),
        ("", ""),
    ],
)
def test_words_are_told_from_markup(markup: str, words: str) -> None:
    assert text_of_html(markup) == words


@pytest.mark.parametrize(
    "piece",
    [
        "<a ", "</a ", "<a b='", "<a b=\"'>", "<a =", "<p><", "<!--", "<![CDATA[", "<?", "</", "&#", "&a",
        "<script>", "<script></script ", "<title></title ", '="<a b',
    ],
)  # fmt: skip
def test_no_markup_is_looked_at_again_and_again(piece: str) -> None:
    told = text_of_html(f"Good day {piece * 400_000}")
    assert told.startswith("Good day")
    assert len(told) <= LONGEST_MARKUP


def test_of_endless_markup_the_beginning_is_read() -> None:
    assert text_of_html("a" * LONGEST_MARKUP + "b") == "a" * LONGEST_MARKUP


def test_a_mail_of_tags_without_an_end_is_read() -> None:
    assert read_mail(b"From: a@b\nContent-Type: text/html\n\nHello " + b"<a " * 20_000).text.startswith("Hello a a a")
