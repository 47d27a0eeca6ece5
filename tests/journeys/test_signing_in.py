"""Signing in with a passkey, the screen that locks itself, and the pages of those who look after the house."""

import itertools
import re

import pytest
from playwright.sync_api import expect

from tests.journeys.read_off import arrive, settled

pytestmark = pytest.mark.journey

SCREENS = ((390, "light"), (1280, "dark"), (1920, "light"))


def test_nobody_there_is_warned_then_locked_out_and_comes_back_to_the_same_page(as_person, clinic):
    samir = as_person("Samir Haddad")
    samir.page.clock.install()
    page = samir.open("/referrals/?tab=late")
    page.clock.pause_at(page.evaluate("Date.now() / 1000 + 10"))  # from here on its seconds pass by our word alone
    warning, lock = page.locator("#idle"), page.locator("#lock")
    page.clock.fast_forward("13:30")
    expect(warning).to_be_hidden()
    page.clock.fast_forward("00:40")
    expect(warning).to_be_visible()
    expect(warning.locator("[data-idle-left]")).to_have_text(re.compile(r"^(3\d|40)$"))
    place = warning.get_by_role("button", name="Stay").bounding_box()
    with page.expect_response(re.compile("/account/session/")) as told:
        page.mouse.click(place["x"] + 5, place["y"] + 5)
    assert told.value.request.method == "POST"
    assert told.value.json()["idle_seconds"] == 15 * 60
    expect(warning).to_be_hidden()
    assert page.url.endswith("/referrals/?tab=late")  # what lay beneath the button was not pressed
    page.clock.fast_forward("14:30")
    expect(warning).to_be_visible()
    page.clock.fast_forward("00:31")
    expect(lock).to_be_visible()
    expect(warning).to_be_hidden()
    assert page.locator(".l-shell").evaluate("shell => shell.inert")
    assert lock.locator("a").get_attribute("href") == "/account/login/?next=%2Freferrals%2F%3Ftab%3Dlate"


def test_a_page_that_asks_by_itself_every_minute_asks_nothing_once_it_is_locked(as_person, clinic):
    lena = as_person("Lena Fischer")
    lena.page.clock.install()
    page = lena.open("/flow/")
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.headers.get("liaison-background") else None)
    page.clock.pause_at(page.evaluate("Date.now() / 1000 + 10"))
    with page.expect_response(re.compile("/flow/")):
        page.clock.fast_forward("01:01")
    assert [url for url in asked if "/flow/" in url]
    page.clock.fast_forward("14:30")
    expect(page.locator("#lock")).to_be_visible()
    settled(page)
    asked.clear()
    page.clock.run_for("02:10")
    settled(page)
    assert asked == []


def test_a_passkey_is_added_signs_in_without_a_password_and_is_removed(as_person, clinic):
    lena = as_person("Lena Fischer")
    page, here = lena.page, clinic.url.replace("127.0.0.1", "localhost")  # passkeys belong to a name, not to a number
    browser = lena.context.new_cdp_session(page)
    browser.send("WebAuthn.enable")
    key = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    browser.send("WebAuthn.addVirtualAuthenticator", {"options": key})
    page.goto(f"{here}/account/login/")
    page.fill("input[name=login]", "lena.fischer@riverside.example")
    page.fill("input[name=password]", "riverside-demo")
    page.get_by_role("button", name="Sign in", exact=True).click()
    arrive(page, f"^{re.escape(here)}/$")

    page.goto(f"{here}/account/factors/webauthn/add/")
    page.get_by_label("What to call it").fill("My laptop")
    page.get_by_label(re.compile("Sign in with it alone")).check()
    page.get_by_role("button", name="Add").click()
    arrive(page, "^((?!webauthn/add).)*$")
    assert clinic.value("SELECT count(*) FROM mfa_authenticator WHERE type = 'webauthn'") == 1

    lena.context.clear_cookies()
    page.goto(f"{here}/calendar/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    arrive(page, f"^{re.escape(here)}/calendar/$")
    methods = clinic.rows(
        "SELECT details->'methods' FROM core_auditentry WHERE verb = 'accounts.sign_in' AND actor_name = 'Lena Fischer'"
        " ORDER BY id DESC LIMIT 1"
    )
    assert methods == [(["webauthn"],)]

    page.goto(f"{here}/account/factors/webauthn/")
    page.get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Remove").click()
    arrive(page, "^((?!remove).)*$")
    assert clinic.value("SELECT count(*) FROM mfa_authenticator WHERE type = 'webauthn'") == 0


@pytest.mark.parametrize(
    ("who", "paths"),
    [
        (None, ("/account/login/", "/account/login/?ended=idle")),
        ("Marta Kowalska", ("/board/", "/hand-over/", "/account/")),
        ("Priya Nair", ("/audit/", "/audit/?patient=Walter", "/audit/?patient=ma", "/patients/grants/")),
        ("Adam Novak", ("/people/", "/people/new/", "/people/sites/", "/people/1/")),
    ],
    ids=["sign-in", "supervisor", "privacy officer", "administrator"],
)
def test_the_pages_of_the_house_fit_every_screen_and_axe_finds_nothing(as_person, clinic, browser, axe, who, paths):
    page = as_person(who).page if who else browser.new_page()
    for path, (width, scheme) in itertools.product(paths, SCREENS):
        page.set_viewport_size({"width": width, "height": 860})
        page.emulate_media(color_scheme=scheme)
        answer = page.goto(clinic.url + path)
        assert answer.status == 200, path
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{path} is {wide} px too wide at {width}"
        assert axe(page) == [], f"{path} at {width}, {scheme}"
    if who is None:
        page.close()
