"""How a patient wants to be reached, saved from one screen, and honoured by what is sent."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.test import Client

from liaison.accounts.access import Role
from liaison.core.actor import Actor
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound, Stale
from liaison.inbox import actions
from liaison.inbox.actions import PersonWish, PointWish, ReachWish
from liaison.inbox.models import Message, Preference
from liaison.inbox.ports import MessageToSend
from liaison.inbox.queries import ReachSheet, reach_sheet
from liaison.inbox.rules.channels import Category, Channel, Standing
from liaison.inbox.tests.cast import NOW, Cast, Postman, person
from liaison.inbox.tests.test_screens import signed_in
from liaison.patients.actions import ContactDetails, ContactWrong
from liaison.patients.models import ContactPoint


def sheet_of(cast: Cast, *, by: Actor | None = None) -> ReachSheet:
    """What Rosa has before her eyes."""
    return reach_sheet(by or cast.rosa, patient=cast.walter, now=NOW)


def save(cast: Cast, *, by: Actor | None = None, **wish: object) -> None:
    """Rosa saves a part of the screen."""
    given: dict[str, object] = {"seen": sheet_of(cast).seen} | wish
    actions.save_reach(by or cast.rosa, patient=cast.walter, wish=ReachWish(**given), now=NOW)  # type: ignore[arg-type]  # keywords of several types


def point(cast: Cast, row: ContactPoint, *, gone: bool = False, **more: object) -> PointWish:
    """One way to reach Walter, changed."""
    details = next(one.details for one in sheet_of(cast).points if one.id == row.pk)
    return PointWish(id=row.pk, details=replace(details, **more), gone=gone)  # type: ignore[arg-type]  # keywords of several types


def message(cast: Cast, *, key: str, channel: str = "email") -> Message:
    """A message to Walter."""
    return actions.queue_message(
        cast.rosa,
        patient=cast.walter,
        message=MessageToSend(template="please-call", context={}, channel=channel),
        idempotency_key=key,
        now=NOW,
    )


def test_everything_is_saved_in_one_go(cast: Cast) -> None:
    save(
        cast,
        person=PersonWish(
            spoken_language="es", interpreter_needed=True, best_time="After 17:00", mobility_needs="Ramp"
        ),
        points=[point(cast, cast.phone, may_text=True, may_leave_message=True, preferred=True, note="June picks up")],
        new=ContactDetails(kind="phone", value="617 555 0178", may_text=False),
        standings=[
            (Channel.TEXT, Category.SURVEY, Standing.STOPPED),
            (Channel.EMAIL, Category.BILLING, Standing.ALLOWED),
        ],
        source="in person",
    )
    cast.walter.refresh_from_db()
    cast.phone.refresh_from_db()
    assert (cast.walter.spoken_language, cast.walter.interpreter_needed) == ("es", True)
    assert (cast.walter.best_time, cast.walter.mobility_needs, cast.walter.family) == ("After 17:00", "Ramp", "Ng")
    assert (cast.phone.may_text, cast.phone.may_leave_message, cast.phone.preferred) == (True, True, True)
    assert ContactPoint.objects.filter(patient=cast.walter).count() == 3
    assert {(row.channel, row.category, row.standing, row.source) for row in Preference.objects.all()} == {
        ("text", "survey", "stopped", "in person"),
        ("email", "billing", "allowed", "in person"),
    }
    entry = AuditEntry.objects.filter(verb="inbox.note_preference").latest("pk")
    assert entry.patient_ids == [cast.walter.pk]


def test_what_does_not_differ_is_not_written(cast: Cast) -> None:
    save(cast, points=[point(cast, cast.phone), point(cast, cast.mail)])
    verbs = set(AuditEntry.objects.values_list("verb", flat=True))
    assert verbs == {"inbox.note_preference"}


def test_somebody_elses_change_meanwhile_is_not_overwritten(cast: Cast) -> None:
    seen = sheet_of(cast).seen
    save(cast, points=[point(cast, cast.phone, note="Loud, please")])
    with pytest.raises(Stale):
        save(cast, seen=seen, points=[point(cast, cast.phone, note="Quiet")])
    save(cast, standings=[(Channel.EMAIL, Category.SURVEY, Standing.STOPPED)])
    assert ContactPoint.objects.get(pk=cast.phone.pk).note == "Loud, please"


def test_it_is_all_or_nothing(cast: Cast) -> None:
    with pytest.raises(ContactWrong):
        save(
            cast,
            person=PersonWish(best_time="Never"),
            points=[point(cast, cast.phone, note="half")],
            new=ContactDetails(kind="phone", value="123"),
        )
    cast.walter.refresh_from_db()
    assert cast.walter.best_time == ""
    assert ContactPoint.objects.get(pk=cast.phone.pk).note == ""


def test_one_of_a_kind_is_preferred_and_a_number_can_go(cast: Cast) -> None:
    other = cast.point(cast.walter, kind="phone", value="+16175550178")
    with pytest.raises(actions.TwoPreferred):
        save(cast, points=[point(cast, cast.phone, preferred=True), point(cast, other, preferred=True)])
    save(cast, points=[point(cast, cast.phone, preferred=True, gone=True), point(cast, other, preferred=True)])
    assert ContactPoint.objects.get(pk=cast.phone.pk).retired_at == NOW
    assert ContactPoint.objects.get(pk=other.pk).preferred


def test_pat_elsewhere_sees_and_saves_nothing(cast: Cast) -> None:
    with pytest.raises(NotFound):
        sheet_of(cast, by=cast.pat)
    with pytest.raises(NotFound):
        save(cast, by=cast.pat)


def test_billing_changes_numbers_but_not_who_somebody_is(cast: Cast) -> None:
    with writes_open():
        bill = person("Bill", role=Role.BILLING, site=cast.site)[1]
    assert not sheet_of(cast, by=bill).may_change_person
    save(cast, by=bill, points=[point(cast, cast.phone, note="Mornings")])
    with pytest.raises(Forbidden):
        save(cast, by=bill, person=PersonWish(best_time="Mornings"))
    assert ContactPoint.objects.get(pk=cast.phone.pk).note == "Mornings"


# --- honoured by what is sent -------------------------------------------------------------------------------------


def test_what_was_said_holds_at_once(cast: Cast, texts: Postman) -> None:
    assert message(cast, key="1").state == "queued"
    assert message(cast, key="2", channel="text").suppressed_reason == "do_not_contact"
    save(cast, points=[point(cast, cast.phone, may_text=True), point(cast, cast.mail, may_email=False)])
    assert message(cast, key="3").suppressed_reason == "do_not_contact"
    assert message(cast, key="4", channel="text").state == "queued"
    save(cast, standings=[(Channel.TEXT, Category.APPOINTMENT, Standing.STOPPED)])
    save(cast, standings=[(Channel.TEXT, Category.CLINICAL, Standing.STOPPED)])
    assert message(cast, key="5", channel="text").suppressed_reason == "opted_out"
    assert not texts.carried


def test_a_confidential_number_closes_the_mailbox(cast: Cast) -> None:
    save(cast, points=[point(cast, cast.phone, confidential=True)])
    assert message(cast, key="1").suppressed_reason == "do_not_contact"


# --- the screen ---------------------------------------------------------------------------------------------------


def filled(page: bytes, **more: str) -> dict[str, str]:
    """The form as it stands, with these fields changed ("" unticks)."""
    text = page.decode()
    seen = re.search(r'name="seen" value="(\w+)"', text)
    boxes = re.findall(r'<input type="checkbox" name="([^"]+)"[^>]*checked', text)
    values = re.findall(r'<input type="text" name="([^"]+)"(?: value="([^"]*)")?', text)
    chosen = re.findall(r'<select name="([^"]+)".*?</select>', text, re.DOTALL)
    assert seen
    form = {"seen": seen[1], **dict.fromkeys(boxes, "on"), **dict(values)}
    for name in chosen:
        block = re.search(rf'<select name="{name}".*?</select>', text, re.DOTALL)
        picked = re.search(r'value="([^"]*)" selected', block[0]) if block else None
        form[name] = picked[1] if picked else ""
    form |= {"source": "by phone", "new-kind": "phone"}
    return {name: value for name, value in (form | more).items() if value or name not in boxes}


def test_rosa_changes_it_on_one_screen_while_he_talks(cast: Cast) -> None:
    rosa: Client = signed_in(cast.rosa_user)
    url = f"/patients/{cast.walter.pk}/reach/"
    page = rosa.get(url).content
    assert "(617) 555-0177" in page.decode()
    phone, mail = f"p{cast.phone.pk}", f"p{cast.mail.pk}"
    form = filled(page, best_time="Mornings", text_survey="stopped", spoken_language="es")
    form |= {f"{phone}-may_text": "on", f"{phone}-note": "Loud", "new-value": "617 555 0179", "new-may_use": "on"}
    form.pop(f"{mail}-may_email")
    answer = rosa.post(url, form)
    assert (answer.status_code, answer["Location"]) == (302, f"/patients/{cast.walter.pk}/")
    cast.walter.refresh_from_db()
    cast.mail.refresh_from_db()
    assert (cast.walter.best_time, cast.walter.spoken_language, cast.mail.may_email) == ("Mornings", "es", False)
    new = ContactPoint.objects.get(value_key="+16175550179")
    assert (new.may_text, new.may_email, new.may_call) == (True, False, True)
    assert rosa.post(url, form).status_code == 302, "the same form, sent twice at once"
    assert (ContactPoint.objects.filter(value_key=new.value_key).count(), Preference.objects.count()) == (1, 1)
    assert rosa.post(url, form | {"new-value": "617 555 0180"}).status_code == 409
    shown = rosa.get(url).content.decode()
    assert 'value="Loud"' in shown
    assert Preference.objects.get().standing == "stopped"
    again = filled(rosa.get(url).content, text_survey="allowed")
    assert rosa.post(url, again | {"new-kind": "email", "new-value": "w@b.example"}).status_code == 302
    assert ContactPoint.objects.get(value_key="w@b.example").may_email is False


def test_what_is_wrong_is_said_and_what_was_typed_stays(cast: Cast) -> None:
    rosa = signed_in(cast.rosa_user)
    url = f"/patients/{cast.walter.pk}/reach/"
    form = filled(rosa.get(url).content, best_time="Mornings")
    wrong = rosa.post(url, form | {"new-value": "12"})
    assert wrong.status_code == 422
    assert "with its area code" in wrong.content.decode()
    assert "Mornings" in wrong.content.decode()
    assert rosa.post(url, form | {"source": "by pigeon"}).status_code == 422
    save(cast, points=[point(cast, cast.phone, note="June's")])
    stale = rosa.post(url, form)
    assert stale.status_code == 409
    assert "Someone changed this meanwhile" in stale.content.decode()
    assert rosa.post(url, form | {"seen": sheet_of(cast).seen}).status_code == 302


def test_a_stale_save_says_beside_each_field_what_it_says_now(cast: Cast) -> None:
    """Rosa and Theo both have it open; Rosa notes who picks up and takes a "yes", and Theo sees it before he saves."""
    theo = signed_in(cast.rosa_user)
    url = f"/patients/{cast.walter.pk}/reach/"
    form = filled(theo.get(url).content, best_time="Mornings", text_survey="allowed")
    save(
        cast,
        points=[point(cast, cast.phone, note="Ask for June", may_text=True)],
        new=ContactDetails(kind="phone", value="617 555 0178", may_call=True, note="At work"),
        standings=[(Channel.TEXT, Category.SURVEY, Standing.STOPPED)],
    )
    stale = theo.post(url, form)
    assert stale.status_code == 409
    page = stale.content.decode()
    for said in ("Ask for June", "yes", "No", "nothing"):
        assert f"It now says: {said}" in page
    assert 'value="Mornings"' in page
    assert "no longer theirs." not in page
    assert 'value="At work"' in page, "the number that came meanwhile is shown as it is kept"
    assert f'name="seen" value="{sheet_of(cast).seen}"' in page
    again = filled(stale.content, **{f"p{cast.phone.pk}-note": "Ask for June"})
    assert theo.post(url, again).status_code == 302
    cast.phone.refresh_from_db()
    new = ContactPoint.objects.get(value_key="+16175550178")
    assert (cast.phone.note, cast.phone.may_text, new.note, new.may_call) == ("Ask for June", False, "At work", True)


def test_a_stale_save_says_that_a_number_is_gone(cast: Cast) -> None:
    theo = signed_in(cast.rosa_user)
    url = f"/patients/{cast.walter.pk}/reach/"
    form = filled(theo.get(url).content, **{f"p{cast.phone.pk}-note": "Loud"})
    save(cast, points=[point(cast, cast.phone, gone=True)])
    stale = theo.post(url, form)
    assert stale.status_code == 409
    assert "that you had before you is no longer theirs." in stale.content.decode()
    form = filled(theo.get(url).content) | {f"p{cast.mail.pk}-gone": "on"}
    assert theo.post(url, form).status_code == 302
    assert theo.post(url, form).status_code == 302, "the same form, sent twice at once"


def test_an_address_asks_for_nothing_that_it_can_not_allow(cast: Cast) -> None:
    cast.point(cast.walter, kind="address", value="1 Elm St")
    with writes_open():
        cast.mail.bad_since, cast.mail.bad_reason = NOW, "bounced"
        cast.mail.save()
    page = signed_in(cast.rosa_user).get(f"/patients/{cast.walter.pk}/reach/").content.decode()
    assert "1 Elm St" in page
    assert "bounced" in page
    assert page.count("may_text") == page.count(f"p{cast.phone.pk}-may_text")


def test_pat_elsewhere_finds_no_screen(cast: Cast) -> None:
    assert signed_in(cast.pat_user).get(f"/patients/{cast.walter.pk}/reach/").status_code == 404


def test_a_language_that_is_not_in_the_list_stays(cast: Cast) -> None:
    cast.change(cast.walter, spoken_language="nah")
    page = signed_in(cast.rosa_user).get(f"/patients/{cast.walter.pk}/reach/").content.decode()
    assert 'value="nah" selected' in page
