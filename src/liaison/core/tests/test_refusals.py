"""What a refusal says, and beside which field of a form."""

from liaison.core.refusals import Refusal


class SayWhy(Refusal):
    code = "trial.say_why"
    sentence = "Say why."
    field = "reason"


def test_a_refusal_about_one_field_stands_beside_it() -> None:
    assert dict(SayWhy().fields) == {"reason": "Say why."}
    assert dict(SayWhy("Say why in three words.").fields) == {"reason": "Say why in three words."}


def test_other_sentences_beside_other_fields_take_its_place() -> None:
    refusal = SayWhy(fields={"until": "Choose a day ahead."})
    assert refusal.sentence == "Say why."
    assert dict(refusal.fields) == {"until": "Choose a day ahead."}


def test_a_refusal_of_the_whole_stands_beside_nothing() -> None:
    assert dict(Refusal("No.").fields) == {}
