"""Reading grades warn where a text is too hard (DOMAIN 8.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaison.inbox.rules.readability import Ease, grade, syllables_in

PLAIN = "Please call us. We want to help you. You can call us at any time. We will be glad to talk with you."
HARD = (
    "Notwithstanding the aforementioned administrative considerations, your participation in the forthcoming "
    "interdisciplinary evaluation necessitates comprehensive documentation of previous immunizations."
)
LLANO = "Llame a la clínica. Le damos una hora. Su hija puede venir. No tome la pastilla hoy."
DIFICIL = (
    "La interdisciplinariedad característica de nuestras intervenciones administrativas imposibilita la "
    "reprogramación extemporánea de procedimientos electroencefalográficos."
)


@pytest.mark.parametrize(
    ("word", "count"),
    [("cat", 1), ("table", 2), ("called", 1), ("wanted", 2), ("doctor", 2), ("medicine", 3), ("the", 1),
     ("Walter's", 2), ("being", 2), ("hmm", 1), ("clinic", 2), ("piano", 3)],
)  # fmt: skip
def test_english_syllables(word: str, count: int) -> None:
    assert syllables_in(word, language="en") == count


@pytest.mark.parametrize(
    ("word", "count"),
    [("hoy", 1), ("llame", 2), ("que", 1), ("guerra", 2), ("pingüino", 3), ("aéreo", 4), ("día", 2), ("ciudad", 2),
     ("medicina", 4), ("mayor", 2), ("y", 1), ("yo", 1)],
)  # fmt: skip
def test_spanish_syllables(word: str, count: int) -> None:
    assert syllables_in(word, language="es") == count


def test_the_formulas_are_the_published_ones() -> None:
    # Ten words, two sentences, ten syllables: 0.39*5 + 11.8*1 - 15.59 and 206.84 - 60*1 - 1.02*5.
    assert grade("The cat sat on mats. The dog sat on mats.", language="en").value == pytest.approx(-1.8)
    assert grade("Yo voy y tú vas. Yo voy y tú vas.", language="es").value == pytest.approx(141.7)


def test_plain_hard_and_too_hard_texts_are_told_apart() -> None:
    assert grade(PLAIN, language="en").ease is Ease.PLAIN
    assert grade(HARD, language="en").ease is Ease.TOO_HARD
    assert grade(LLANO, language="es").ease is Ease.PLAIN
    assert grade(DIFICIL, language="es").ease is Ease.TOO_HARD
    middle = grade("The clinic is open on Monday. Telephone the clinic about the appointment today.", language="en")
    assert middle.ease is Ease.HARD
    medio = grade(
        "La secretaria confirma mañana la reunión con los familiares del paciente en la clínica.", language="es"
    )
    assert medio.ease is Ease.HARD


def test_names_numbers_and_links_do_not_count() -> None:
    bare = grade("Please call us soon today.", language="en")
    full = grade("Please call us soon today, Bartholomew, 617-555-0100, https://x.example/abc.", language="en",
                 leave_out=frozenset({"Bartholomew Ng"}))  # fmt: skip
    assert full == bare
    assert grade("Ask Dr. Imani for it. Then come.", language="en").sentences == 2


@pytest.mark.parametrize("run", [".", "!", "b", "@", "1", "a@", "b.", "…", "-a", "ia"])
def test_a_long_run_of_anything_is_read_once(run: str) -> None:
    """Each took minutes while a run was tried again from each of its characters, and nobody else was served."""
    found = grade("Please call us soon today. " + run * 60_000 + "a", language="en")
    assert found.words >= 5
    assert found.sentences in {1, 2}


def test_an_address_and_a_run_of_marks_end_where_they_end() -> None:
    told = grade("Write to a.b@example.org, please!!! We will answer soon... (x@y.org) Thanks to you.", language="en")
    assert (told.words, told.sentences) == (10, 3)


def test_a_few_words_have_no_grade() -> None:
    assert grade("Call us", language="en").ease is Ease.UNKNOWN
    assert grade("", language="es").ease is Ease.UNKNOWN


@given(st.text(), st.sampled_from(["en", "es"]))
def test_any_text_has_a_grade(text: str, language: str) -> None:
    found = grade(text, language=language)
    assert found.sentences >= 1
    assert found.words >= 0
