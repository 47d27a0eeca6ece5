"""What journeys read of a page or of the rows behind it, more than one of them."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import expect


def offered_at(choice):
    """When an offered time begins, and the ids of who and what it takes."""
    start_at, _site, *seats = choice.locator("input").get_attribute("value").split()
    return datetime.fromisoformat(start_at), [int(seat.rpartition(":")[2]) for seat in seats]


def tomorrow(clinic) -> date:
    """The day after the clinic's today, in New York."""
    return (clinic.now() + timedelta(days=1)).astimezone(ZoneInfo("America/New_York")).date()


def who_holds(clinic, seats, at):
    """The visits that hold one of these at that instant."""
    return clinic.rows(
        "SELECT appointment_id FROM scheduling_reservation WHERE active AND resource_id = ANY (%s) AND during @> %s",
        seats,
        at,
    )


def evidence_of(clinic, loop_id):
    """The kinds of evidence that a loop has, in the order of the alphabet."""
    rows = clinic.rows(
        "SELECT kind FROM loops_evidence WHERE loop_id = %s AND withdrawn_at IS NULL ORDER BY kind", loop_id
    )
    return [kind for (kind,) in rows]


def arrive(page, where):
    """Wait until the address is one that `where` (a regular expression) is found in.

    The address is asked again and again. Who waits for a navigation hears of each one that ends, also of the first of
    a double click, which the second one breaks off.
    """
    expect(page).to_have_url(re.compile(where))
    page.wait_for_load_state()


def holding(page, where):
    """Hold back what the page asks for where the address matches `where` (a regular expression): the list of it."""
    held = []

    def hold(route):
        held.append(route)

    page.route(re.compile(where), hold)
    return held


def settled(page):
    """Wait until the page has everything that it asked for, and all of it hears what is done to it.

    What an action asks for at once counts from the moment of the action: who reads what stood there before as well as
    after (an offered time, a plan), or fills in what is about to be replaced, waits for this first.
    """
    page.wait_for_load_state()
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")).to_have_count(0)
