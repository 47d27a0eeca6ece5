"""Every page that the clinic has, opened by someone who may: none wider than its screen, and axe finds nothing.

The addresses come from the resolver. What answers with a whole page is looked at; what doesn't is listed below, so
that no page leaves the walk unseen.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field

import pytest

from tests.journeys.conftest import AT_REST, ROOT, Person, _new_home
from tests.test_sentinel_walk import Address, addresses

pytestmark = [pytest.mark.journey, pytest.mark.first]

LIGHT_WIDTHS = (320, 1920, 1280)
DARK_WIDTHS = (390,)
"""Each width once: colours change nothing about it. At the last one of a scheme axe looks."""

PEOPLE = ("Rosa Delgado", "Marta Kowalska", "Dr Imani Achebe", "Priya Nair", "Adam Novak", "Desmond Clarke")
"""Who tries an address, in this order; the first who may open it looks at it."""

NOBODY = ("account_login", "account_inactive", "scheduling:answer")
"""Pages for people who are not signed in: the way in, and a patient's answer to an offer."""

WIDE_AT_REST = f"""async () => {{
    await ({AT_REST})();
    return document.documentElement.scrollWidth - document.documentElement.clientWidth;
}}"""
"""By how much the page is wider than its screen."""

SIGNING_OUT = ("account_logout",)
"""Ends the session of whoever opens it."""

WITH_A_FACTOR = frozenset({
    "mfa_authenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn", "mfa_deactivate_totp",
    "mfa_view_recovery_codes", "mfa_download_recovery_codes", "mfa_edit_webauthn", "mfa_remove_webauthn",
})  # fmt: skip
"""Answer only who has a second factor, which nobody of the demonstration has; test_signing_in.py goes that way."""

NO_PAGE = WITH_A_FACTOR | {
    "healthz", "readyz", "accounts:session", "accounts:again", "accounts:audit_export", "desk:timeline", "desk:column",
    "desk:palette", "records:file", "inbox:next_try", "orders:targets", "scheduling:feed", "mfa_login_webauthn",
}  # fmt: skip
"""What a GET answers with no page: a piece of one, a file, a fact for machines, or the way to another page."""


@dataclass
class Asked:
    """The demonstration's own things as values of addresses."""

    arguments: dict
    queries: dict = field(default_factory=dict)

    def value(self, name, *, of):
        own = f"{of.partition(':')[0]}:{name}"
        return self.arguments.get(own, self.arguments.get(name))


@pytest.fixture(scope="module")
def clinic(demonstration):
    """A clinic for this walk alone: what is made here (a merge, a broken glass) is in no other journey's way."""
    with _new_home("walked", template=demonstration) as home, home.open() as running:
        yield running


@pytest.fixture(scope="module")
def asked(clinic):
    """Every address there is, with values of the demonstration; what it has seldom is made first."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.journeys.rare_things"], cwd=ROOT, env=clinic.environment(), capture_output=True,
        text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return addresses(Asked(**json.loads(done.stdout)))


@pytest.mark.timeout(900)
def test_every_page_is_as_wide_as_its_screen_and_axe_finds_nothing(as_person, browser, clinic, axe, asked):
    people = [as_person(name) for name in PEOPLE]
    stranger = browser.new_context(locale="en-US").new_page()
    own = [one for one in asked if one.name in NOBODY]
    assert {one.name for one in own} == set(NOBODY)
    others = [one for one in asked if one.name not in {*NOBODY, *SIGNING_OUT}]
    looks, no_page = _who_looks(people, clinic, others)
    assert set(no_page) == NO_PAGE, {name: no_page.get(name) for name in NO_PAGE ^ set(no_page)}
    faults: list[str] = []
    for address in own:
        answer = stranger.goto(clinic.url + address.url)
        assert answer.ok, address
        faults += _faults(stranger, axe, name=address.name)
    for person, address in looks:
        faults += _faults(person.open(address.url), axe, name=f"{address.name} ({person.name})")
    for address in asked:
        if address.name in SIGNING_OUT:
            faults += _faults(people[0].open(address.url), axe, name=address.name)
    stranger.context.close()
    assert not faults, "\n".join(faults)


def _who_looks(people, clinic, wanted):
    """Each page with the first person who may open it, by person; and what is no page for anyone, with what it said."""
    looks: list[tuple[Person, Address]] = []
    no_page: dict[str, str] = {}
    for address in wanted:
        said = []
        for person in people:
            answer = person.page.request.get(clinic.url + address.url, max_redirects=0)
            if answer.status == 405 or _is_page(answer):
                break
            said.append(f"{answer.status} {answer.headers.get('content-type')}")
        else:
            no_page[address.name] = "; ".join(dict.fromkeys(said))
            continue
        if answer.status != 405:
            looks.append((person, address))
    return looks, no_page


def _is_page(answer):
    html = answer.status == 200 and answer.headers.get("content-type", "").startswith("text/html")
    return html and "<html" in answer.text()[:500]


def _faults(page, axe, *, name):
    """What is wrong with the page that is open: in the light on every screen but a phone, in the dark on a phone."""
    found = []
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    for width in LIGHT_WIDTHS:
        found += _too_wide(page, width, name=name)
    found += [f"{name}, light: {one}" for one in axe(page)]
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    for width in DARK_WIDTHS:
        found += _too_wide(page, width, name=f"{name}, dark")
    return found + [f"{name}, dark, on a phone: {one}" for one in axe(page)]


def _too_wide(page, width, *, name):
    page.set_viewport_size({"width": width, "height": 860})
    wide = page.evaluate(WIDE_AT_REST)
    return [f"{name}: {wide} px too wide at {width}"] if wide > 0 else []
