"""One loop: the page, the panel, the row; who sees it; who is there."""

from __future__ import annotations

import re
from datetime import timedelta

from liaison.core.clock import current_time
from liaison.core.models import AuditEntry, Presence
from liaison.core.postgres.guard import writes_open
from liaison.desk.tests.browser import HTMX, text_of
from liaison.desk.tests.test_home import loop_of_rosa
from liaison.loops import actions
from liaison.loops.ports import NextStep, Owner


def test_the_page_tells_story_clocks_and_missing_evidence(cast, at_desk):
    made = loop_of_rosa(cast, hours=-5)
    actions.add_evidence_by_hand(
        cast.rosa, loop_id=made.pk, kind="asked", note="Spoke with Ann there", now=current_time(), expected_version=None
    )
    page = text_of(at_desk(cast.rosa).get(f"/loops/{made.pk}/"))
    assert "<html" in page
    for words in (
        "Ask the pharmacy",
        "Asked the pharmacy",
        "Spoke with Ann there",
        "The pharmacy answered",
        "1/2",
        "Opened: Refill for Walter.",
        "Why then",
        "h late",
    ):
        assert words in page
    for word in ("test.ask", "test:1", "satisfied", "voided", "evidence:"):
        assert word not in page


def test_htmx_gets_the_panel_with_the_patient_in_brief_and_what_else_is_open(cast, at_desk):
    made = loop_of_rosa(cast)
    other = loop_of_rosa(cast, step="Call about the ride")
    piece = text_of(at_desk(cast.rosa).get(f"/loops/{made.pk}/", headers=HTMX))
    assert "<html" not in piece
    assert "data-panel-close" in piece
    assert "Feb 1, 1950" in piece
    assert f"/loops/{other.pk}/" in piece
    assert f'data-live="loop:{made.pk} patient:{cast.walter.pk}"' in piece


def test_what_was_done_heads_a_task_that_is_closed_and_why_it_was_made_stands_beneath(cast, at_desk):
    made = loop_of_rosa(cast, kind="task")
    client, address = at_desk(cast.rosa), f"/loops/{made.pk}/"
    assert '<h2 class="l-panel-title" data-private>Refill for Walter</h2>' in text_of(client.get(address))
    actions.add_evidence(cast.rosa, loop_id=made.pk, kind="done", note="Posted it to him", now=current_time())
    page = text_of(client.get(address))
    assert '<h2 class="l-panel-title" data-private>Posted it to him</h2>' in page
    assert page.index("Posted it to him</h2>") < page.index('<div class="l-muted" data-private>Refill for Walter</div>')
    assert "<title>Posted it to him" in page


def test_a_promise_of_several_proofs_is_headed_by_what_was_promised(cast, at_desk):
    made = loop_of_rosa(cast)
    for kind in ("asked", "answered"):
        actions.add_evidence(cast.rosa, loop_id=made.pk, kind=kind, note=f"They {kind}", now=current_time())
    actions.close_loop(cast.rosa, loop_id=made.pk, now=current_time())
    page = text_of(at_desk(cast.rosa).get(f"/loops/{made.pk}/"))
    assert '<h2 class="l-panel-title" data-private>Refill for Walter</h2>' in page
    assert "<title>Refill for Walter" in page


def test_htmx_gets_the_row_alone(cast, at_desk):
    made = loop_of_rosa(cast)
    piece = text_of(at_desk(cast.rosa).get(f"/loops/{made.pk}/?as=row", headers=HTMX))
    assert piece.lstrip().startswith("<div")
    assert piece.count("data-row") == 1


def test_the_panel_opens_with_the_form_that_was_asked_for(cast, at_desk):
    made = loop_of_rosa(cast)
    client = at_desk(cast.rosa)
    asked = text_of(client.get(f"/loops/{made.pk}/?do=assign", headers=HTMX))
    assert f'hx-get="/loops/{made.pk}/assign/" hx-trigger="load"' in asked
    assert 'hx-trigger="load"' not in text_of(client.get(f"/loops/{made.pk}/?do=explode", headers=HTMX))


def test_an_ended_loop_says_how_it_ended_and_offers_nothing(cast, at_desk):
    made = loop_of_rosa(cast)
    actions.give_up_loop_by_hand(
        cast.rosa, loop_id=made.pk, reason="Moved to another state", now=current_time(), expected_version=None
    )
    page = text_of(at_desk(cast.rosa).get(f"/loops/{made.pk}/"))
    assert "Given up" in page
    assert "Moved to another state" in page
    assert 'data-key="e"' not in page


def test_a_late_loop_can_not_be_put_aside(cast, at_desk):
    late = loop_of_rosa(cast, hours=-3)
    early = loop_of_rosa(cast, hours=30)
    client = at_desk(cast.rosa)
    page = text_of(client.get(f"/loops/{late.pk}/"))
    assert f"/loops/{late.pk}/snooze/" not in page
    assert (
        'data-say="What is late can&#x27;t be put aside' in page or "data-say=\"What is late can't be put aside" in page
    )
    assert "set a next one with its own time" in page, "the key says why, and what to do instead"
    assert f"/loops/{early.pk}/snooze/" in text_of(client.get(f"/loops/{early.pk}/"))


def test_pat_of_another_site_finds_nothing_and_it_looks_like_nothing(cast, at_desk):
    made = loop_of_rosa(cast)
    client = at_desk(cast.pat)
    for headers in ({}, HTMX):
        answer = client.get(f"/loops/{made.pk}/", headers=headers)
        assert answer.status_code == 404
        assert "Walter" not in text_of(answer)
        assert (
            text_of(answer).replace(str(made.pk), "")
            == text_of(client.get("/loops/987654/", headers=headers)).replace("987654", "")
            or answer.status_code == 404
        )


def test_seeing_a_loop_is_written_down(cast, at_desk):
    made = loop_of_rosa(cast)
    at_desk(cast.rosa).get(f"/loops/{made.pk}/")
    entry = AuditEntry.objects.filter(outcome=AuditEntry.Outcome.SEEN).latest("pk")
    assert entry.patient_ids == [cast.walter.pk]
    assert entry.details["view"] == "desk:loop"


def test_two_people_on_one_patient_see_each_other(cast, at_desk):
    topic = {"topic": f"patient:{cast.walter.pk}"}
    rosa, imani = at_desk(cast.rosa), at_desk(cast.imani)
    assert text_of(rosa.post("/presence/", topic)).strip() == ""
    assert "Rosa Delgado has this open" in text_of(imani.post("/presence/", topic))
    assert "Dr Imani Okoye" in text_of(rosa.post("/presence/", topic))


def test_being_present_leaves_no_read_entry(cast, at_desk):
    at_desk(cast.rosa).post("/presence/", {"topic": f"patient:{cast.walter.pk}"})
    assert not AuditEntry.objects.filter(outcome=AuditEntry.Outcome.SEEN).exists()


def test_others_on_one_loop_are_named_and_of_many_everybody_can_be_read(cast, at_desk):
    loop_id = loop_of_rosa(cast).pk
    topic = {"topic": f"loop:{loop_id}"}
    for actor in (cast.rosa, cast.imani):
        at_desk(actor).post("/presence/", topic)
    assert "Dr Imani Okoye and Rosa Delgado have this open" in text_of(at_desk(cast.marta).post("/presence/", topic))
    with writes_open():
        Presence.objects.create(topic=f"loop:{loop_id}", user_id=987, name="Theo Lindqvist", seen_at=current_time())
    told = text_of(at_desk(cast.marta).post("/presence/", topic))
    assert "Dr Imani Okoye and 2 others have this open" in told
    assert 'title="Dr Imani Okoye, Rosa Delgado and Theo Lindqvist"' in told
    assert "Dr Imani Okoye, Rosa Delgado and Theo Lindqvist have this open" in told


def test_who_closes_the_page_is_shown_no_more_until_another_tab_of_theirs_beats(cast, at_desk):
    topic = {"topic": [f"patient:{cast.walter.pk}"]}
    rosa, imani = at_desk(cast.rosa), at_desk(cast.imani)
    rosa.post("/presence/", topic)
    assert rosa.post("/presence/gone/", {"topic": [*topic["topic"], "loop:999999", "nonsense"]}).status_code == 204
    assert "Rosa" not in text_of(imani.post("/presence/", topic))
    imani.post("/presence/gone/", topic)
    rosa.post("/presence/", topic)
    assert "Rosa Delgado has this open" in text_of(imani.post("/presence/", topic))
    assert rosa.get("/presence/gone/").status_code == 405


def test_nobody_is_present_where_they_see_nothing(cast, at_desk):
    client = at_desk(cast.pat)
    for topic in (f"patient:{cast.walter.pk}", "loop:999999", "desk", "patient:x", "calendar:1", ""):
        assert client.post("/presence/", {"topic": topic}).status_code == 404


def test_taking_from_the_panel_says_so_and_can_be_undone(cast, at_desk):
    made = loop_of_rosa(cast)
    tom = at_desk(cast.tom)
    answer = tom.post(f"/loops/{made.pk}/take/", {"version": made.version}, headers=HTMX)
    assert answer.status_code == 204
    assert f"/loops/{made.pk}/undo/" in answer["HX-Trigger"]
    assert "Tom Baker took this." in text_of(tom.get(f"/loops/{made.pk}/"))


def test_who_is_second_is_told_who_was_first(cast, at_desk):
    made = loop_of_rosa(cast)
    at_desk(cast.tom).post(f"/loops/{made.pk}/take/", {"version": made.version}, headers=HTMX)
    answer = at_desk(cast.imani).post(f"/loops/{made.pk}/take/", {"version": made.version}, headers=HTMX)
    assert answer.status_code == 409
    assert "Tom Baker" in text_of(answer)
    assert "data-refusal" in text_of(answer)


def test_a_row_that_left_the_tab_says_who_took_it(cast, at_desk):
    made = loop_of_rosa(cast, owner=Owner(team_id=cast.team.pk))
    rosa = at_desk(cast.rosa)
    row = f"/loops/{made.pk}/?as=row&tab="
    assert "?as=row&amp;tab=teams" in text_of(rosa.get("/?tab=teams"))
    assert "data-news" not in text_of(rosa.get(f"{row}teams", headers=HTMX))
    actions.take_loop(cast.tom, loop_id=made.pk, now=current_time())
    assert "Tom Baker took it" in text_of(rosa.get(f"{row}teams", headers=HTMX))
    assert "data-news" not in text_of(rosa.get(f"{row}all", headers=HTMX)), "it still belongs to all"
    assert "You have it now" in text_of(at_desk(cast.tom).get(f"{row}teams", headers=HTMX))
    assert "data-news" not in text_of(at_desk(cast.tom).get(f"{row}mine", headers=HTMX))
    actions.assign_loop(cast.tom, loop_id=made.pk, to=Owner(user_id=cast.imani.user_id), now=current_time())
    assert "Dr Imani Okoye has it now" in text_of(at_desk(cast.tom).get(f"{row}mine", headers=HTMX))
    reason, now = "Moved away", current_time()
    actions.give_up_loop_by_hand(cast.imani, loop_id=made.pk, reason=reason, now=now, expected_version=None)
    assert "data-news" not in text_of(rosa.get(f"{row}teams", headers=HTMX))


def test_the_panel_says_why_it_ranks_where_it_does(cast, at_desk):
    made = loop_of_rosa(cast, hours=-50, priority="urgent")
    page = text_of(at_desk(cast.rosa).get(f"/loops/{made.pk}/", headers=HTMX))
    assert "Ranks here: urgent (counts as due 2 days earlier), then late" in page
    assert page.count("days late") == 1, "how late it is, once"


def test_times_follow_the_clinic_of_the_loop(cast, at_desk):
    made = loop_of_rosa(cast, hours=100)
    due = made.due_at.astimezone(cast.riverside.zone)
    assert f"{due:%H:%M}" in text_of(at_desk(cast.rosa).get(f"/loops/{made.pk}/"))
    assert due - timedelta(0) == made.due_at


def test_what_is_wholly_proven_is_closed_by_the_first_button_and_the_same_key(cast, at_desk):
    made, rosa = loop_of_rosa(cast), at_desk(cast.rosa)
    close, prove = f'hx-post="/loops/{made.pk}/close/"', f'hx-get="/loops/{made.pk}/evidence/"'

    def prove_it(kind):
        actions.add_evidence(cast.rosa, loop_id=made.pk, kind=kind, note="Ann", now=current_time())
        return text_of(rosa.get(f"/loops/{made.pk}/evidence/"))

    half = prove_it("asked")
    assert 'value="asked"' not in half, "what is proven is not offered again"
    assert 'value="answered"' in half
    panel = text_of(rosa.get(f"/loops/{made.pk}/", headers=HTMX))
    assert close not in panel
    assert "data-proven" not in text_of(rosa.get("/"))
    prove_it("answered")
    panel = text_of(rosa.get(f"/loops/{made.pk}/", headers=HTMX))
    assert panel.count('data-key="e"') == panel.count(close) == panel.count("btn-primary") == 1
    assert panel.index(close) < panel.index('data-key="c"') < panel.index(prove)
    desk = text_of(rosa.get("/"))
    assert "data-proven" in desk
    assert 'data-for="proven" data-post="/loops/:loop/close/" data-key="e"' in desk
    rosa.post(f"/loops/{made.pk}/close/", {"version": version_of(made)})
    made.refresh_from_db()
    assert made.state == "closed"


def version_of(loop):
    """The version as it stands now."""
    loop.refresh_from_db()
    return loop.version


def test_the_call_leads_where_the_step_is_one_in_whatever_words(cast, at_desk):
    def primary(**step):
        made, now = loop_of_rosa(cast), current_time()
        due = now + timedelta(minutes=5)
        actions.set_next_step(cast.rosa, loop_id=made.pk, step=NextStep(due_at=due, **step), now=now)
        page = text_of(at_desk(cast.rosa).get(f"/loops/{made.pk}/", headers=HTMX))
        return [re.search(r'data-key="(.)"', tag)[1] for tag in re.findall(r'<a class="btn btn-primary"[^>]*>', page)]

    assert primary(words="Ring Walter", is_call=True) == ["c"]
    assert primary(words="Call the form up again") == ["e"]


def test_a_step_by_hand_is_said_to_be_a_call(cast, at_desk):
    made, due = loop_of_rosa(cast), current_time() + timedelta(hours=1)
    client, address = at_desk(cast.rosa), f"/loops/{made.pk}/step/"
    assert "It is a call" in text_of(client.get(address))
    typed = {"version": "1", "step": "Ring Walter", "is_call": "on", "due_at": f"{due:%Y-%m-%dT%H:%M}"}
    client.post(address, typed)
    made.refresh_from_db()
    assert (made.next_step, made.next_is_call) == ("Ring Walter", True)
    actions.finish_step(cast.rosa, loop_id=made.pk, now=current_time())
    made.refresh_from_db()
    assert not made.next_is_call
