import pytest

from liaison.core.names_in_words import among_words


@pytest.mark.parametrize("name", ["", "Walter", "Øyvind O’Neil", "Νίκος", "王伟", "Zoë 3"])
def test_a_name_that_reads_left_to_right_is_itself(name: str) -> None:
    assert among_words(name) == name


@pytest.mark.parametrize("name", ["דוד", "محمد", "Walter דוד", "\u202eWalter"])
def test_a_name_with_letters_that_read_right_to_left_is_isolated(name: str) -> None:
    assert among_words(name) == f"\u2068{name}\u2069"
