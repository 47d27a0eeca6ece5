"""Notes: written, read by whom they are for, added to, struck out, never changed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from liaison.core.actor import Actor, system_actor
from liaison.core.clock import current_time
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.inbox import actions, queries
from liaison.inbox.models import Note
from liaison.inbox.tests.cast import NOW, Cast
from liaison.inbox.tests.test_screens import a_loop, signed_in


def noted(cast: Cast, *, by: Actor | None = None, key: str = "note:1", **more: object) -> Note:
    """Rosa, or someone else, notes something about Walter."""
    values: dict[str, object] = {
        "patient": cast.walter, "text": "June drives him on Fridays.", "idempotency_key": key, "now": NOW,
    }  # fmt: skip
    return actions.write_note(by or cast.rosa, **(values | more))  # type: ignore[arg-type]  # keywords of several types


@pytest.fixture
def fred(cast: Cast) -> Actor:
    """Fred sits at the front desk."""
    return cast.fred


def test_a_note_is_written_down_and_audited_without_its_words(cast: Cast) -> None:
    loop = a_loop(cast)
    note = noted(cast, text=" June drives him. ", loop=loop, happened_at=NOW - timedelta(days=1))
    assert (note.text, note.by_name, note.loop, note.noted_at) == ("June drives him.", "Rosa", loop, NOW)
    assert note.happened_at == NOW - timedelta(days=1)
    entry = AuditEntry.objects.get(verb="inbox.write_note")
    assert (entry.subject_id, entry.patient_ids) == (note.pk, [cast.walter.pk])
    assert "June" not in str(entry.details)
    assert str(note) == f"note {note.pk}"


def test_sending_the_form_twice_writes_one_note(cast: Cast) -> None:
    assert noted(cast) == noted(cast)
    assert Note.objects.get().text == "June drives him on Fridays."
    with pytest.raises(actions.KeyReused):
        noted(cast, patient=cast.patient())


def test_a_note_needs_words_a_past_and_a_loop_of_the_same_patient(cast: Cast) -> None:
    with pytest.raises(actions.NothingNoted):
        noted(cast, text="  ")
    with pytest.raises(actions.NotedInTheFuture):
        noted(cast, happened_at=NOW + timedelta(minutes=2))
    with pytest.raises(NotFound):
        noted(cast, patient=cast.patient(), loop=a_loop(cast))
    assert not Note.objects.exists()
    assert noted(cast, happened_at=NOW + timedelta(seconds=30)).happened_at == NOW


def test_pat_elsewhere_neither_writes_nor_reads_one(cast: Cast) -> None:
    note = noted(cast)
    with pytest.raises(NotFound):
        noted(cast, by=cast.pat, key="2")
    for do in (
        lambda: queries.get_note(cast.pat, note_id=note.pk, now=NOW),
        lambda: actions.add_to_note(cast.pat, note_id=note.pk, text="x", idempotency_key="3", now=NOW),
        lambda: actions.strike_note(cast.pat, note_id=note.pk, reason="x", now=NOW),
        lambda: queries.timeline(cast.pat, patient=cast.walter, now=NOW),
    ):
        with pytest.raises(NotFound):
            do()
    nobody = Actor(user_id=None, name="", assignments=frozenset())
    with pytest.raises(Forbidden):
        queries.get_note(nobody, note_id=note.pk, now=NOW)


def test_a_clinical_note_is_for_the_chart_roles_and_its_writer(cast: Cast, fred: Actor) -> None:
    clinical = noted(cast, clinical=True, text="Chest pain again.")
    plain = noted(cast, key="2")
    own = noted(cast, by=fred, key="3", clinical=True, text="He said he feels dizzy.")
    assert [one.key for one in queries.timeline(cast.marta, patient=cast.walter, now=NOW)] == [
        f"note:{pk:012d}" for pk in (own.pk, plain.pk, clinical.pk)
    ]
    told = queries.timeline(fred, patient=cast.walter, now=NOW)
    assert [one.detail for one in told] == ["He said he feels dizzy.", "June drives him on Fridays."]
    with pytest.raises(NotFound):
        queries.get_note(fred, note_id=clinical.pk, now=NOW)
    assert queries.get_note(fred, note_id=own.pk, now=NOW).clinical
    with pytest.raises(NotFound):
        queries.get_note(fred, note_id=plain.pk + 1000, now=NOW)


def test_additions_stand_under_the_first_note_and_are_as_clinical(cast: Cast) -> None:
    first = noted(cast, clinical=True)
    more = actions.add_to_note(cast.marta, note_id=first.pk, text="On Mondays too.", idempotency_key="a", now=NOW)
    again = actions.add_to_note(cast.marta, note_id=first.pk, text="On Mondays too.", idempotency_key="a", now=NOW)
    last = actions.add_to_note(cast.rosa, note_id=more.pk, text="No: Tuesdays.", idempotency_key="b", now=NOW)
    assert (again, last.adds_to, last.clinical) == (more, first, True)
    shown = queries.get_note(cast.rosa, note_id=last.pk, now=NOW)
    assert [line.text for line in (shown.first, *shown.additions)] == [first.text, "On Mondays too.", "No: Tuesdays."]
    told = queries.timeline(cast.rosa, patient=cast.walter, kinds=("note",), now=NOW)
    assert [one.title for one in told] == ["Addition to a note by Rosa", "Addition to a note by Marta", "Note by Rosa"]
    with pytest.raises(actions.NothingNoted):
        actions.add_to_note(cast.rosa, note_id=first.pk, text=" ", idempotency_key="c", now=NOW)


def test_a_struck_note_keeps_its_words_and_says_why(cast: Cast, fred: Actor) -> None:
    note = noted(cast)
    with pytest.raises(actions.NotYourNote):
        actions.strike_note(fred, note_id=note.pk, reason="Not so", now=NOW)
    with pytest.raises(actions.SayWhyStruck):
        actions.strike_note(cast.rosa, note_id=note.pk, reason=" ", now=NOW)
    actions.strike_note(cast.rosa, note_id=note.pk, reason="Meant for his brother", now=NOW)
    line = queries.get_note(cast.rosa, note_id=note.pk, now=NOW).first
    assert (line.text, line.struck_reason, line.may_strike) == (note.text, "Meant for his brother", False)
    assert (
        queries.timeline(cast.rosa, patient=cast.walter, now=NOW)[0].detail
        == "Struck out by Rosa: Meant for his brother"
    )
    with pytest.raises(actions.AlreadyStruck):
        actions.strike_note(cast.rosa, note_id=note.pk, reason="Again", now=NOW)
    assert AuditEntry.objects.filter(verb="inbox.strike_note", outcome="done").count() == 1


def test_a_supervisor_strikes_what_a_colleague_or_liaison_noted(cast: Cast, fred: Actor) -> None:
    machine = noted(cast, by=system_actor("feed"), key="m")
    with pytest.raises(actions.NotYourNote):
        actions.strike_note(fred, note_id=machine.pk, reason="?", now=NOW)
    struck = actions.strike_note(cast.marta, note_id=machine.pk, reason="Wrong feed", now=NOW)
    assert struck.struck_by_name == "Marta"


def test_the_database_refuses_to_change_or_delete_a_note(cast: Cast) -> None:
    note = noted(cast)
    actions.strike_note(cast.rosa, note_id=note.pk, reason="Wrong", now=NOW)
    rows = Note.objects.filter(pk=note.pk)
    for change in (
        lambda: rows.update(text="Never said"),
        lambda: rows.update(by_name="Marta"),
        lambda: rows.update(struck_at=None, struck_by=None, struck_by_name="", struck_reason=""),
        rows.delete,
    ):
        with writes_open(), pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            change()
    assert rows.get().text == note.text


# --- screens ------------------------------------------------------------------------------------------------------


def form_of(page: bytes, **more: str) -> dict[str, str]:
    """What the note's form holds, with these fields filled in."""
    found = dict(re.findall(r'name="(idempotency_key|happened_at)"[^>]*?value="([^"]*)"', page.decode()))
    return found | more


def test_rosa_writes_a_note_from_the_patient_and_finds_it_on_the_timeline(cast: Cast) -> None:
    rosa, loop = signed_in(cast.rosa_user), a_loop(cast)
    url = f"/notes/new/?patient={cast.walter.pk}"
    form = form_of(rosa.get(url).content, text="June drives him.", loop=str(loop.pk), clinical="on")
    answers = [rosa.post(url, form) for _ in range(2)]
    assert {answer["Location"] for answer in answers} == {f"/patients/{cast.walter.pk}/"}
    note = Note.objects.get()
    assert (note.loop, note.clinical, note.by_name) == (loop, True, "Rosa")
    assert current_time() - note.happened_at < timedelta(minutes=5)
    page = rosa.get(f"/patients/{cast.walter.pk}/").content.decode()
    assert "June drives him." in page
    assert f"/notes/{note.pk}/" in page
    shown = rosa.get(f"/notes/{note.pk}/").content.decode()
    assert "Call Walter back" in shown
    assert AuditEntry.objects.filter(outcome="seen").latest("pk").patient_ids == [cast.walter.pk]


def test_from_a_loop_it_belongs_to_the_loop_and_leads_back_there(cast: Cast) -> None:
    rosa, loop = signed_in(cast.rosa_user), a_loop(cast)
    url = f"/notes/new/?loop={loop.pk}"
    page = rosa.get(url).content
    assert f'value="{loop.pk}" selected' in page.decode()
    answer = rosa.post(url, form_of(page, text="He asked for Tuesday.", loop=str(loop.pk)))
    assert answer["Location"] == f"/loops/{loop.pk}/"


def test_what_is_wrong_stands_beside_its_field(cast: Cast) -> None:
    rosa = signed_in(cast.rosa_user)
    url = f"/notes/new/?patient={cast.walter.pk}"
    form = form_of(rosa.get(url).content, text="")
    assert rosa.post(url, form).status_code == 422
    late = rosa.post(url, form | {"text": "typed already", "happened_at": "2199-01-01T10:00"})
    assert late.status_code == 422
    assert "This has not happened yet" in late.content.decode()
    assert "typed already" in late.content.decode()
    noted(cast, patient=cast.patient(), key=f"form:{cast.rosa_user.pk}:taken")
    refused = rosa.post(url, form | {"text": "x", "idempotency_key": "taken"})
    assert "used for something else" in refused.content.decode()
    assert rosa.get("/notes/new/").status_code == 404
    assert Note.objects.count() == 1


def test_adding_and_striking_on_the_page(cast: Cast) -> None:
    rosa, note = signed_in(cast.rosa_user), noted(cast)
    url = f"/notes/{note.pk}/"
    for what, form in (("add", {"text": ""}), ("strike", {"reason": ""})):
        assert rosa.post(f"{url}{what}/", form).status_code == 422
    assert rosa.post(f"{url}add/", {"text": "Mondays too.", "idempotency_key": "k"})["Location"] == url
    assert rosa.post(f"{url}strike/", {"reason": "Wrong man"})["Location"] == url
    page = rosa.get(url).content.decode()
    for words in ("Mondays too.", "Wrong man", "<s>June drives him on Fridays.</s>"):
        assert words in page
    assert signed_in(cast.pat_user).get(url).status_code == 404


def test_an_unsigned_browser_is_sent_to_sign_in(cast: Cast) -> None:
    assert Client().get(f"/notes/{noted(cast).pk}/").status_code == 302
