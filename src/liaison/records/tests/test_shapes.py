"""What a person would call a concept, whatever was sent for it."""

from liaison.records.rules.shapes import first_words

UNNAMED: dict[str, object] = {"coding": []}


def test_the_first_concept_that_has_words_names_it():
    assert first_words({"text": "Asthma"}, {"text": "Other"}) == "Asthma"
    assert first_words([UNNAMED, {"text": "Asthma"}]) == "Asthma"
    assert first_words(UNNAMED, None, [{"coding": [{"code": "J45", "display": "Asthma"}]}]) == "Asthma"


def test_what_has_no_words_has_none():
    assert first_words() == ""
    assert first_words(UNNAMED, [], [UNNAMED]) == ""
