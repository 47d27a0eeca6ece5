"""Languages go by the shortest tag that BCP 47 has for them, however they were written."""

from __future__ import annotations

import pytest

from liaison.core.languages import COMMON_LANGUAGES, language_name, main_language, shortest_tag


@pytest.mark.parametrize(
    ("tag", "short", "main"),
    [
        ("spa", "es", "es"),
        ("eng", "en", "en"),
        ("SPA-MX", "es-MX", "es"),
        ("es_419", "es-419", "es"),
        (" chi-Hant ", "zh-Hant", "zh"),
        ("fre", "fr", "fr"),
        ("est", "et", "et"),
        ("ase", "ase", "ase"),
        ("EN", "en", "en"),
        ("", "", ""),
        ("not a language", "not a language", "not a language"),
    ],
)
def test_the_shortest_tag_of_a_language(tag: str, short: str, main: str) -> None:
    assert (shortest_tag(tag), main_language(tag)) == (short, main)


def test_a_language_is_called_the_same_by_all_its_tags_and_those_of_the_list_stay_as_they_are() -> None:
    assert {language_name(tag) for tag in ("es", "spa", "ES")} == {"Spanish"}
    assert language_name("por-BR") == "Portuguese (BR)"
    assert [shortest_tag(tag) for tag in COMMON_LANGUAGES] == list(COMMON_LANGUAGES)
