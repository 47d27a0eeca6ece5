"""The desk: what stands on it, in which order, and which piece htmx gets."""

from __future__ import annotations

from datetime import timedelta

from liaison.core.clock import current_time
from liaison.desk.tests.browser import HTMX, text_of
from liaison.loops import actions
from liaison.loops.ports import Owner


def loop_of_rosa(cast, *, step="Ask the pharmacy", hours=30.0, **more):
    from liaison.loops.tests.cast import clock

    now = current_time()
    clocks = [clock(due_at=now + timedelta(hours=hours), step=step)]
    return cast.loop(clocks=clocks, now=now - timedelta(days=3), **more)


def test_the_most_urgent_step_stands_first_with_who_what_when_and_why(cast, at_desk):
    loop_of_rosa(cast, step="Fax the form", hours=50, title="Form for the school")
    loop_of_rosa(cast, step="Call Walter", hours=-30, title="Missed visit", priority="clinical")
    page = text_of(at_desk(cast.rosa).get("/"))
    assert page.index("Call Walter") < page.index("Fax the form")
    for words in ("Walter Ng", "late", "clinical", "Missed visit", "Errand", "Rosa Delgado"):
        assert words in page


def test_rows_carry_the_keys_that_act_on_them(cast, at_desk):
    made = loop_of_rosa(cast)
    page = text_of(at_desk(cast.rosa).get("/"))
    assert f'id="loop-{made.pk}"' in page
    for key in ("e", "s", "a", "o"):
        assert f'data-key="{key}"' in page


def test_the_desk_of_another_site_shows_nothing_of_walter(cast, at_desk):
    loop_of_rosa(cast)
    for tab in ("ours", "mine", "teams", "overdue", "today", "waiting", "all"):
        assert "Walter" not in text_of(at_desk(cast.pat).get("/", {"tab": tab}))


def test_the_desk_opens_on_what_is_mine_and_my_teams_and_says_whose_each_is(cast, at_desk):
    now = current_time()
    rosas = loop_of_rosa(cast, step="Fax the form", hours=50)
    teams = loop_of_rosa(cast, step="Call Olga", hours=2, owner=Owner(team_id=cast.team.pk))
    client = at_desk(cast.rosa)
    page = text_of(client.get("/"))
    assert page.index("Call Olga") < page.index("Fax the form")
    row, _, rest = page.partition(f'id="loop-{teams.pk}"')[2].partition(f'id="loop-{rosas.pk}"')
    assert "Care coordination</bdi> · " in row
    assert "data-mine" not in row, "so t takes it"
    assert "l-whose" not in rest
    assert 'data-key="t"' in page
    here = f"/loops/{teams.pk}/?as=row&tab=ours"
    assert "data-news" not in text_of(client.get(here, headers=HTMX))
    actions.take_loop(cast.rosa, loop_id=teams.pk, now=now)
    taken = text_of(client.get(here, headers=HTMX))
    assert "data-news" not in taken, "it stays where it stood, as hers"
    assert "data-mine" in taken
    assert "Rosa Delgado took it" in text_of(at_desk(cast.tom).get(here, headers=HTMX))


def test_tabs_say_how_many_and_an_unknown_tab_is_mine_and_my_teams(cast, at_desk):
    loop_of_rosa(cast, hours=-5)
    loop_of_rosa(cast, owner=Owner(team_id=cast.team.pk))
    page = text_of(at_desk(cast.rosa).get("/?tab=nonsense&after="))
    assert 'aria-current="page">Mine and my teams’ <span class="l-count">2</span>' in page
    assert 'Mine alone <span class="l-count">1</span>' in page
    assert 'My teams <span class="l-count">1</span>' in page
    assert 'Overdue <span class="l-count l-count--late">1</span>' in page


def test_the_list_goes_on_beyond_the_first_page(cast, at_desk):
    for number in range(53):
        loop_of_rosa(cast, step=f"Step number {number:02d}", hours=24 + number)
    client = at_desk(cast.rosa)
    first = text_of(client.get("/"))
    shown = first.count("data-row")
    assert 0 < shown < 53
    after = first.split("after=")[1].split('"')[0].replace("&amp;", "&")
    rest = text_of(client.get(f"/?as=more&tab=mine&after={after}", headers=HTMX))
    assert rest.count("data-row") == 53 - shown
    assert "Step number 52" in rest
    assert "<html" not in rest
    assert "data-more" not in rest


def test_a_cursor_changed_by_hand_is_not_there(cast, at_desk):
    far_off = (
        "yesterday",
        "0001-01-01T00:00:00+00:00~1",
        f"2026-03-04T09:00:00+00:00~{2**63}",
        "2026-03-04T09:00:00~1",
    )
    for after in far_off:
        assert at_desk(cast.rosa).get("/", {"after": after}).status_code == 404


def test_grouping_by_patient_keeps_their_loops_together(cast, at_desk):
    loop_of_rosa(cast, step="First for Walter", hours=1)
    loop_of_rosa(cast, step="For Olga", hours=2, patient=cast.olga)
    loop_of_rosa(cast, step="Second for Walter", hours=3)
    page = text_of(at_desk(cast.rosa).get("/?by=patient"))
    assert page.index("First for Walter") < page.index("Second for Walter") < page.index("For Olga")
    assert "2 loops" in page


def test_filters_stay_in_the_address_and_narrow(cast, at_desk):
    loop_of_rosa(cast, step="Pressing", priority="urgent")
    loop_of_rosa(cast, step="Ordinary")
    page = text_of(at_desk(cast.rosa).get("/?priority=urgent&kind=test_errand&by=patient"))
    assert "Pressing" in page
    assert "Ordinary" not in page
    assert "tab=today&amp;by=patient&amp;kind=test_errand&amp;priority=urgent" in page
    nothing = text_of(at_desk(cast.rosa).get("/?kind=no_such_kind"))
    assert "No loop matches this filter" in nothing


def test_an_empty_tab_says_what_next(cast, at_desk):
    client = at_desk(cast.rosa)
    for tab, words in (
        ("ours", "Nothing of yours or your teams’ is waiting"),
        ("mine", "Nothing of yours is waiting"),
        ("teams", "Your teams have nothing unclaimed"),
        ("overdue", "No overdue loops"),
        ("today", "Nothing is due today"),
        ("waiting", "Nobody keeps you waiting"),
        ("all", "No open loops at your sites"),
    ):
        assert words in text_of(client.get("/", {"tab": tab}))


def test_every_row_and_the_page_say_why_the_order_is_as_it_is(cast, at_desk):
    made = loop_of_rosa(cast, hours=-50, priority="urgent")
    page = text_of(at_desk(cast.rosa).get("/"))
    assert f'aria-describedby="rank-{made.pk}"' in page
    assert "Ranks here: urgent (counts as due 2 days earlier), then late" in page
    assert page.count("days late") == 1, "one number, said once"
    assert "Why rows stand in this order" in page
    assert "Urgent counts as due 2 days earlier" in page


def test_whose_desk_is_covered_is_told_with_whom_and_until_when(cast, at_desk):
    now = current_time()
    made = loop_of_rosa(cast)
    covers = [Owner(user_id=cast.tom.user_id), Owner(user_id=cast.imani.user_id)]
    given = {"from_user_id": cast.rosa.user_id, "to": covers, "reason": "Jury duty"}
    away = actions.hand_over(cast.marta, now=now, until=now + timedelta(days=3), **given)
    rosa = at_desk(cast.rosa)
    page = text_of(rosa.get("/"))
    assert "Your desk is with Tom Baker and Dr Imani Okoye" in page
    assert "They keep 1 loop of yours" in page
    assert "Nothing of yours" not in page
    assert "Your desk is with" in text_of(rosa.get("/?tab=mine"))
    assert f"?tab=all&amp;handed={away.pk}" in page
    theirs = text_of(rosa.get(f"/?tab=all&handed={away.pk}"))
    assert f'id="loop-{made.pk}"' in theirs
    assert "No loop matches this filter" in text_of(rosa.get("/?tab=all&handed=999999"))
    assert "Your desk is with" not in text_of(at_desk(cast.tom).get("/"))
    back = rosa.post(f"/hand-over/{away.pk}/end/")
    assert back["Location"] == "/"
    assert f'id="loop-{made.pk}"' in text_of(rosa.get("/"))


def test_htmx_gets_the_tabs_alone(cast, at_desk):
    loop_of_rosa(cast)
    piece = text_of(at_desk(cast.rosa).get("/?as=counts&tab=ours", headers=HTMX))
    assert piece.lstrip().startswith("<ul")
    assert "data-row" not in piece


def test_roles_without_a_desk_begin_where_they_work(db, at_desk):
    from liaison.accounts.access import Role
    from liaison.core.postgres.guard import writes_open
    from liaison.loops.tests.cast import person

    with writes_open():
        vera = person("Vera Lind", Role.PRIVACY_OFFICER, None)
        ada = person("Ada Obi", Role.ADMINISTRATOR, None)
    assert at_desk(vera).get("/")["Location"] == "/audit/"
    assert at_desk(ada).get("/")["Location"] == "/people/"


def test_whoever_has_not_signed_in_signs_in_first(client, db):
    assert client.get("/")["Location"].startswith("/account/login/")


def test_html_in_a_title_stays_text(cast, at_desk):
    loop_of_rosa(cast, title="<script>alert(1)</script>", step="<b>Call</b>")
    page = text_of(at_desk(cast.rosa).get("/"))
    assert "<script>alert" not in page
    assert "&lt;b&gt;Call&lt;/b&gt;" in page


def test_a_snoozed_loop_rests_until_its_time_and_says_so(cast, at_desk):
    made, now = loop_of_rosa(cast, hours=50), current_time()
    actions.snooze_loop(cast.rosa, loop_id=made.pk, until=now + timedelta(hours=5), reason="Clinic closed", now=now)
    client = at_desk(cast.rosa)
    assert "Ask the pharmacy" not in text_of(client.get("/?tab=mine"))
    assert "Clinic closed" in text_of(client.get("/?tab=waiting"))
