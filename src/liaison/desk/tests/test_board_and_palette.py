"""The supervisor's board and the palette."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from liaison.accounts.access import Role
from liaison.accounts.models import Assignment
from liaison.core.clock import current_time
from liaison.core.postgres.guard import writes_open
from liaison.desk.palette import DOINGS, palette
from liaison.desk.tests.browser import HTMX, text_of
from liaison.desk.tests.test_home import loop_of_rosa
from liaison.loops import actions
from liaison.loops.ports import Owner
from liaison.loops.tests.cast import NOW


@pytest.fixture
def findable(cast):
    """Walter and Olga as the search knows them."""
    with writes_open():
        for patient in (cast.walter, cast.olga):
            patient.refresh_search()
            patient.save()
    return cast


def test_marta_sees_everybody_with_what_they_hold(cast, at_desk):
    loop_of_rosa(cast, hours=-3)
    loop_of_rosa(cast, hours=50)
    page = text_of(at_desk(cast.marta).get("/board/"))
    for words in ("Rosa Delgado", "Tom Baker", "Care coordination", "2 open, 1 late"):
        assert words in page


def test_a_column_lists_loops_with_a_way_to_move_them(cast, at_desk):
    made = loop_of_rosa(cast, step="Ask the pharmacy")
    page = text_of(at_desk(cast.marta).get(f"/board/column/?owner=user:{cast.rosa.user_id}", headers=HTMX))
    assert "Ask the pharmacy" in page
    # A column is its head and one box of cards: the rows of the board's grid, which line up across columns.
    assert page.index("l-person-head") < page.index('<div class="l-person-cards">') < page.index("data-card")
    assert f'action="/loops/{made.pk}/assign/"' in page
    assert f'value="user:{cast.tom.user_id}"' in page


def test_a_column_goes_on(cast, at_desk):
    for number in range(22):
        loop_of_rosa(cast, step=f"Step {number:02d}", hours=20 + number)
    client = at_desk(cast.marta)
    first = text_of(client.get(f"/board/column/?owner=user:{cast.rosa.user_id}", headers=HTMX))
    after = first.split("after=")[1].split("&")[0]
    address = f"/board/column/?owner=user:{cast.rosa.user_id}&after={after}&as=more"
    rest = text_of(client.get(address, headers=HTMX))
    assert rest.count("data-card") == 2
    assert "l-person-head" not in rest


def test_only_a_supervisor_has_a_board(cast, at_desk):
    assert at_desk(cast.rosa).get("/board/").status_code == 403
    assert at_desk(cast.rosa).get(f"/board/column/?owner=user:{cast.rosa.user_id}").status_code == 403


def test_who_has_nothing_open_stands_in_one_strip_where_cards_can_be_dropped(cast, at_desk):
    loop_of_rosa(cast)
    marta = at_desk(cast.marta)
    page = text_of(marta.get("/board/"))
    assert page.count('class="l-person"') == 1
    strip = page[page.index('id="board-free"') :]
    assert f'data-column="user:{cast.tom.user_id}"' in strip
    assert f'data-column="user:{cast.rosa.user_id}"' not in strip
    assert f'href="/?tab=all&amp;owner=user:{cast.tom.user_id}"' in strip, "reached by keyboard"


def test_who_gets_a_loop_leaves_the_strip_for_a_column(cast, at_desk):
    marta = at_desk(cast.marta)
    tom = f"user:{cast.tom.user_id}"
    loop_of_rosa(cast)
    had = f"/board/?as=free&had={tom}&had=user:{cast.imani.user_id}"
    before = text_of(marta.get(had, headers=HTMX))
    assert before.startswith("<section")
    assert "hx-swap-oob" not in before
    loop_of_rosa(cast, owner=Owner(user_id=cast.tom.user_id))
    after = text_of(marta.get(had, headers=HTMX))
    assert after.count(f'data-column="{tom}"') == 1
    assert after.index('hx-swap-oob="beforebegin:#board-free"') < after.index(f'data-column="{tom}"')
    assert f'data-column="user:{cast.rosa.user_id}"' not in after, "her column stood there already"


def test_a_column_that_empties_goes_away(cast, at_desk):
    marta, column = at_desk(cast.marta), f"/board/column/?owner=user:{cast.rosa.user_id}"
    made = loop_of_rosa(cast)
    assert "data-card" in text_of(marta.get(column, headers=HTMX))
    actions.take_loop(cast.tom, loop_id=made.pk, now=current_time())
    assert text_of(marta.get(column, headers=HTMX)) == ""
    given = {"to": [Owner(user_id=cast.tom.user_id)], "reason": "ill", "now": current_time()}
    actions.hand_over(cast.marta, from_user_id=cast.rosa.user_id, **given)
    assert "covered by" in text_of(marta.get(column, headers=HTMX)), "who is away stays in sight"


def test_whoever_left_stands_on_the_board_with_the_way_to_hand_over_and_gets_nothing(cast, at_desk):
    loop_of_rosa(cast)
    loop_of_rosa(cast, owner=Owner(user_id=cast.tom.user_id))
    loop_of_rosa(cast, owner=Owner(team_id=cast.team.pk))
    with writes_open():
        Assignment.objects.filter(user_id=cast.rosa.user_id).update(ends_at=NOW)
    marta, rosa = at_desk(cast.marta), f"user:{cast.rosa.user_id}"
    column = text_of(marta.get(f"/board/column/?owner={rosa}", headers=HTMX))
    assert "No longer works here: give these to somebody" in column
    assert f'href="/hand-over/?from={cast.rosa.user_id}"' in column
    assert "Away" not in column
    form = text_of(marta.get(f"/hand-over/?from={cast.rosa.user_id}"))
    assert 'value="No longer works here"' in form
    assert "Rosa Delgado (1)" in form
    other = text_of(marta.get(f"/board/column/?owner=user:{cast.tom.user_id}", headers=HTMX))
    assert f'value="{rosa}"' not in other
    assert f'value="team:{cast.team.pk}"' in other
    with writes_open():
        Assignment.objects.filter(user_id=cast.tom.user_id).update(ends_at=NOW)
    team = text_of(marta.get(f"/board/column/?owner=team:{cast.team.pk}", headers=HTMX))
    assert "Nobody works in this team" in team


def test_a_column_of_nobody_is_not_there(cast, at_desk):
    client = at_desk(cast.marta)
    for owner in ("user:999999", "nonsense", ""):
        assert client.get(f"/board/column/?owner={owner}").status_code == 404


def test_moving_a_card_gives_the_loop_away(cast, at_desk):
    made = loop_of_rosa(cast)
    answer = at_desk(cast.marta).post(
        f"/loops/{made.pk}/assign/", {"owner": f"user:{cast.tom.user_id}", "version": made.version}, headers=HTMX
    )
    assert answer.status_code == 204
    made.refresh_from_db()
    assert made.owner_user_id == cast.tom.user_id


def test_the_palette_finds_patients_and_places(findable, at_desk):
    page = text_of(at_desk(findable.rosa).get("/palette/?q=walter"))
    assert "Ng, Walter" in page
    assert f"/patients/{findable.walter.pk}/" in page
    assert "Desk: overdue" in text_of(at_desk(findable.rosa).get("/palette/?q=late"))
    ours = text_of(at_desk(findable.rosa).get("/palette/?q=desk+teams"))
    assert "Desk: mine and my teams’" in ours
    assert "/?tab=ours" in ours


def test_the_palette_knows_an_action_before_or_after_the_name(findable, at_desk):
    client = at_desk(findable.rosa)
    for typed in ("call walter", "walter ng call"):
        assert "Ng, Walter" in text_of(client.get("/palette/", {"q": typed}))
    assert "Ng, Walter" not in text_of(client.get("/palette/", {"q": "call"}))


def test_an_action_is_offered_only_to_who_may_do_it_for_this_patient(findable):
    """Fred sits at the front desk and refers nobody; Rosa calls and refers; a records clerk files and calls nobody."""
    clerk = replace(findable.rosa, assignments=frozenset({(str(Role.RECORDS_CLERK), findable.riverside.pk)}))

    def offered(actor, typed):
        (one,) = palette(actor, text=f"{typed} walter", now=NOW).patients
        assert (one.doing == "") == (one.url == f"/patients/{findable.walter.pk}/")
        return one.doing

    everybody = {word: [offered(actor, word) for actor in (findable.rosa, findable.fred, clerk)] for word in DOINGS}
    assert everybody == {
        "call": ["Call", "Call", ""],
        "book": ["Book", "Book", ""],
        "several": ["Several visits", "Several visits", ""],
        "message": ["Message"] * 3,
        "note": ["Note"] * 3,
        "refer": ["Refer", "", ""],
        "file": ["File a document"] * 3,
        "reach": ["How to reach them"] * 3,
        "edit": ["Edit"] * 3,
    }


def test_a_patients_page_offers_each_role_only_what_it_may_do(findable, at_desk):
    pages = [
        at_desk(who).get(f"/patients/{findable.walter.pk}/").content.decode() for who in (findable.rosa, findable.fred)
    ]
    assert [f'href="/patients/{findable.walter.pk}/refer/"' in page for page in pages] == [True, False]
    assert [f'href="/calls/new/?patient={findable.walter.pk}"' in page for page in pages] == [True, True]
    assert "/calls/new/" in at_desk(findable.rosa).get("/").content.decode()


def test_the_palette_shows_each_role_only_its_places(findable, at_desk):
    assert "/board/" in text_of(at_desk(findable.marta).get("/palette/?q=who+has+how+much"))
    assert "/board/" not in text_of(at_desk(findable.rosa).get("/palette/?q=board"))
    assert "/audit/" not in text_of(at_desk(findable.rosa).get("/palette/?q=audit"))


def test_the_palette_finds_nobody_of_another_site(findable, at_desk):
    page = text_of(at_desk(findable.pat).get("/palette/?q=walter"))
    assert "Ng, Walter" not in page
    assert "Nothing found. Search all patients for “walter”" in page


def test_a_privacy_officer_finds_places_but_no_patients(findable, at_desk):
    from liaison.loops.tests.cast import person

    with writes_open():
        vera = person("Vera Lind", Role.PRIVACY_OFFICER, None)
    page = text_of(at_desk(vera).get("/palette/?q=walter"))
    assert ("Ng, Walter" in page, "Nothing found" in page, "Search all patients" in page) == (False, True, False)
    assert "/audit/" in text_of(at_desk(vera).get("/palette/?q=audit"))


def test_an_age_is_that_of_the_day_where_rosa_is(findable):
    """At 23:30 in New York it is the next day, and for Walter his birthday, already in UTC."""
    with writes_open():
        findable.walter.birth_on = date(1950, 3, 4)
        findable.walter.save()
    new_york = ZoneInfo("America/New_York")
    late = datetime(2026, 3, 3, 23, 30, tzinfo=new_york).astimezone(UTC)
    (one,) = palette(replace(findable.rosa, zone=new_york), text="Walter", now=late).patients
    assert one.born == "Mar 4, 1950 · 75 y"


def test_an_action_typed_alone_is_offered_and_asks_for_whom(findable, at_desk):
    rosa = at_desk(findable.rosa)
    for typed, word in (("book", "book"), ("call", "call"), ("log a call", "call"), ("sched", "book")):
        (one,) = palette(findable.rosa, text=typed, now=NOW).doings
        assert (one.typed, one.url) == (f"{word} ", "")
        page = text_of(rosa.get(f"/palette/?q={typed.replace(' ', '+')}"))
        assert f'data-palette-type="{word} "' in page
        assert "for whom?" in page
        assert "Nothing found" not in page
    assert palette(findable.rosa, text="", now=NOW).doings == ()
    assert palette(findable.rosa, text="call walter", now=NOW).doings == ()
    assert palette(findable.fred, text="refer", now=NOW).doings == ()


def test_on_a_patients_page_the_action_is_for_that_patient(findable, at_desk):
    (one,) = palette(findable.rosa, text="log a call", patient_id=findable.walter.pk, now=NOW).doings
    assert (one.name, one.url) == ("Walter Ng", f"/calls/new/?patient={findable.walter.pk}")
    page = text_of(at_desk(findable.rosa).get(f"/palette/?q=book&patient={findable.walter.pk}"))
    assert f'href="/book/?patient={findable.walter.pk}"' in page
    assert "for whom?" not in page
    (other,) = palette(findable.pat, text="book", patient_id=findable.walter.pk, now=NOW).doings
    assert (other.name, other.url) == ("", ""), "who does not see him is asked for whom"
