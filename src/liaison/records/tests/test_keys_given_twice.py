"""A key that one object gives twice is refused by its name: only one of the two values could be kept."""

import pytest

from liaison.records.rules.intake import Refused, receive


@pytest.mark.parametrize(
    "body",
    [
        b'{"resourceType": "Patient", "id": "a", "gender": "male", "gender": "female"}',
        b'{"resourceType": "Patient", "id": "a", "name": [{"family": "Ng"}, {"gender": 1, "gender": 1}]}',
        rb'{"resourceType": "Patient", "id": "a", "gender": "male", "g\u0065nder": "female"}',
    ],
)
def test_a_key_that_stands_twice_in_one_object_is_named(body: bytes) -> None:
    with pytest.raises(Refused, match="'gender' twice"):
        receive(body, path="$")


def test_the_same_key_in_two_objects_is_nothing_special() -> None:
    body = b'{"resourceType": "Patient", "id": "a", "name": [{"family": "Ng"}, {"family": "Wu"}], "x": 1.50, "n": 7}'
    assert receive(body, path="$").fhir_id == "a"
