"""What emergency access opens is the work of the hour; what would outlast it stays with the patient's own sites."""

from liaison.core.verbs import all_verbs

OUTLASTS = {
    "inbox.note_preference",
    "loops.give_up",
    "loops.take",
    "orders.cancel",
    "patients.add_site",
    "patients.change",
    "patients.change_alerts",
    "patients.change_care_team",
    "patients.change_contacts",
    "pathways.record_visit",
    "pathways.strike_proof",
    "patients.change_proxies",
    "patients.mark_deceased",
    "patients.merge",
    "patients.review_grants",
    "records.take_out_document",
    "scheduling.book_journey",
    "scheduling.book_series",
    "scheduling.change_series",
    "scheduling.replan",
}


def test_what_would_outlast_emergency_access_is_not_opened_by_it() -> None:
    assert {code for code, verb in all_verbs().items() if not verb.by_glass} == OUTLASTS
