"""The pages that are read off the code say what the code says."""

from liaison.console.generated import addresses, verbs_by_role, what_happens_when


def test_the_generated_pages_name_verbs_facts_and_addresses():
    assert "records.import" in verbs_by_role()
    assert "AppointmentBooked" in what_happens_when()
    assert "desk:home" in addresses()
