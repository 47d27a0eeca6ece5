"""Signing in, second factors, lock-out, time limits: through the pages."""

import html
import json
import re
import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from liaison.accounts import actions
from liaison.accounts.access import Role
from liaison.accounts.models import Session, User
from liaison.accounts.queries import actor_for_session, demo_sign_ins
from liaison.accounts.sessions import BEGAN, SEEN
from liaison.accounts.tests.cast import (
    LIAISON,
    NOW,
    PASSWORD,
    acting,
    old_proof,
    person,
    sign_in,
    site,
    totp_code,
    trail,
)
from liaison.core.clock import current_time

pytestmark = pytest.mark.django_db
MINE = "/account/"


@pytest.fixture
def rosa() -> User:
    """A coordinator at Riverside."""
    return person("Rosa Diaz", Role.COORDINATOR, at=site())


def test_a_person_signs_in_and_both_the_session_and_the_trail_know(client: Client, rosa: User) -> None:
    answer = sign_in(client, rosa, next="/account/")
    assert (answer.status_code, answer["Location"]) == (302, "/account/")
    entry = trail("accounts.sign_in")[0]
    assert (entry.actor_user_id, entry.outcome) == (rosa.pk, "done")
    assert entry.details == {"methods": ["password"], "address": "127.0.0.1"}
    session = Session.objects.get(user=rosa)
    assert (session.address, session.began_at is not None) == ("127.0.0.1", True)
    page = client.get(MINE)
    assert page.status_code == 200
    assert page.wsgi_request.actor.assignments == {("coordinator", rosa.assignments.get().site_id)}  # type: ignore[attr-defined]  # put there by a middleware


def test_the_address_is_the_same_in_any_letter_case(client: Client, rosa: User) -> None:
    assert (
        client.post("/account/login/", {"login": "ROSA.Diaz@Riverside.EXAMPLE", "password": PASSWORD}).status_code
        == 302
    )


def test_a_wrong_password_is_audited_without_what_was_typed(client: Client, rosa: User) -> None:
    answer = sign_in(client, rosa, password="wrong-secret-9")
    assert answer.status_code == 200
    assert "not correct" in answer.content.decode()
    client.post("/account/login/", {"login": "nobody@else.example", "password": "wrong-secret-9"})
    known, unknown = trail("accounts.sign_in")
    assert (known.outcome, known.refusal_code, known.subject_id) == (
        "refused",
        "accounts.wrong_password",
        rosa.pk,
    )
    assert (unknown.subject_id, unknown.details["known"]) == (None, False)
    assert "wrong-secret" not in f"{known.details}{unknown.details}"
    assert "nobody@else" not in str(unknown.details)


def test_five_wrong_passwords_lock_that_address_for_this_browser_only(client: Client, rosa: User) -> None:
    for _ in range(4):
        assert sign_in(client, rosa, password="wrong").status_code == 200
    locked = sign_in(client, rosa, password="wrong")
    assert locked.status_code == 429
    assert "Wait 15 minutes" in locked.content.decode()
    assert sign_in(client, rosa).status_code == 429
    assert trail("accounts.sign_in")[-1].refusal_code == "accounts.locked_out"
    elsewhere = Client(REMOTE_ADDR="10.0.0.9")
    assert sign_in(elsewhere, rosa).status_code == 302


def test_many_addresses_guessing_one_password_are_slowed_down(rosa: User) -> None:
    answers = [sign_in(Client(REMOTE_ADDR=f"10.0.1.{n}"), rosa, password="wrong") for n in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert "Wait five minutes" in answers[-1].content.decode()
    assert "data-refusal" in answers[-1].content.decode()
    assert sign_in(Client(REMOTE_ADDR="10.0.1.99"), rosa).status_code == 429
    *_, one_too_many, right = trail("accounts.sign_in")
    for entry in (one_too_many, right):
        assert (entry.outcome, entry.refusal_code, entry.subject_id) == ("refused", "accounts.rate_limited", rosa.pk)
    assert right.details == {"address": "10.0.1.99", "step": "password", "known": True}


def test_more_tries_from_one_place_than_are_taken_in_a_minute_are_told_to_wait(client: Client, rosa: User) -> None:
    typed = {"login": rosa.email, "password": ""}
    assert {client.post("/account/login/", typed).status_code for _ in range(60)} == {200}
    answer = client.post("/account/login/", typed)
    assert (answer.status_code, "Wait five minutes" in answer.content.decode()) == (429, True)
    (entry,) = trail("accounts.sign_in")
    assert (entry.refusal_code, entry.subject_id) == ("accounts.rate_limited", rosa.pk)


def test_confirming_who_one_is_too_often_stands_in_the_trail_once(client: Client, rosa: User) -> None:
    sign_in(client, rosa)
    for _ in range(10):
        client.post("/account/reauthenticate/", {"password": ""})
    assert client.post("/account/reauthenticate/", {"password": ""}).status_code == 429
    (entry,) = trail("accounts.confirm")
    assert (entry.actor_user_id, entry.outcome, entry.refusal_code) == (rosa.pk, "refused", "accounts.rate_limited")
    assert not trail("core.attempt")


def test_a_closed_account_does_not_let_in(client: Client, rosa: User) -> None:
    actions.deactivate_person(actor=LIAISON, person=rosa, now=current_time())
    answer = sign_in(client, rosa)
    assert (answer.status_code, answer["Location"]) == (302, "/account/inactive/")
    assert "closed" in client.get("/account/inactive/").content.decode()
    assert trail("accounts.sign_in")[-1].refusal_code == "accounts.closed"


def test_closing_an_account_ends_what_is_open(client: Client, rosa: User) -> None:
    sign_in(client, rosa)
    actions.deactivate_person(actor=LIAISON, person=rosa, now=current_time())
    assert client.get(MINE)["Location"].startswith("/account/login/")


def test_nobody_signs_up_and_nobody_resets_a_password_alone(client: Client) -> None:
    for name in ("account_signup", "account_reset_password"):
        page = client.post(reverse(name), {"email": "new@riverside.example", "password1": PASSWORD})
        assert "administrator" in page.content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize("path", ["/account/", "/people/", "/audit/", "/account/session/"])
def test_who_is_not_signed_in_is_asked_to_and_comes_back(client: Client, path: str) -> None:
    answer = client.get(f"{path}?q=x")
    assert answer["Location"] == f"/account/login/?{urlencode({'next': f'{path}?q=x'})}"


def test_a_piece_of_a_page_sends_the_whole_page_to_sign_in(client: Client) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/account/?tab=2"}
    answer = client.get("/people/", headers=headers)
    assert (answer.status_code, answer["HX-Redirect"]) == (
        401,
        "/account/login/?next=%2Faccount%2F%3Ftab%3D2",
    )
    elsewhere = client.get("/people/", headers={**headers, "HX-Current-URL": "https://evil.example/x"})
    assert elsewhere["HX-Redirect"] == "/account/login/?next=%2F"
    background = client.get("/people/", headers={"Liaison-Background": "1"})
    assert (background.status_code, background.json()["go"][:15]) == (401, "/account/login/")


def test_health_is_open_to_everyone(client: Client) -> None:
    assert client.get("/healthz").status_code == 200


def _set_times(client: Client, *, began: timedelta, seen: timedelta) -> None:
    session = client.session
    session[BEGAN], session[SEEN] = time.time() - began.total_seconds(), time.time() - seen.total_seconds()
    session.save()


def test_fifteen_quiet_minutes_end_a_session_and_signing_in_returns(client: Client, rosa: User) -> None:
    sign_in(client, rosa)
    _set_times(client, began=timedelta(hours=1), seen=timedelta(minutes=15, seconds=1))
    answer = client.get("/account/?tab=2")
    assert answer["Location"] == "/account/login/?next=%2Faccount%2F%3Ftab%3D2&ended=idle"
    assert trail("accounts.session_ended")[0].details == {"why": "idle"}
    assert not Session.objects.filter(user=rosa).exists()
    assert "Nobody was here for a while" in client.get(answer["Location"]).content.decode()


def test_twelve_hours_end_a_session_however_busy(client: Client, rosa: User) -> None:
    sign_in(client, rosa)
    _set_times(client, began=timedelta(hours=12, seconds=1), seen=timedelta(seconds=2))
    assert "ended=absolute" in client.get(MINE)["Location"]


def test_a_persons_own_request_extends_the_session_and_the_pages_own_do_not(client: Client, rosa: User) -> None:
    sign_in(client, rosa)
    _set_times(client, began=timedelta(hours=1), seen=timedelta(minutes=14))
    beat = client.get("/account/session/", headers={"Liaison-Background": "1"})
    assert 50 <= beat.json()["seconds"] <= 60
    assert 50 <= client.get("/account/session/", headers={"X-Liaison-Background": "1"}).json()["idle_seconds"] <= 60
    client.get(MINE)
    assert client.get("/account/session/", headers={"Liaison-Background": "1"}).json()["seconds"] > 890


def test_saying_still_here_extends_the_session(client: Client, rosa: User) -> None:
    sign_in(client, rosa)
    _set_times(client, began=timedelta(hours=1), seen=timedelta(minutes=14))
    assert client.post("/account/session/").json()["seconds"] > 890


def test_a_door_outside_django_learns_who_a_session_is(client: Client, rosa: User) -> None:
    sign_in(client, rosa)
    key = str(client.session.session_key)
    assert actor_for_session(key, now=current_time()).user_id == rosa.pk
    assert actor_for_session("no-such-session", now=current_time()).is_anonymous
    later = current_time() + timedelta(minutes=16)
    assert actor_for_session(key, now=later).is_anonymous


def test_signing_out_is_asked_and_audited(client: Client, rosa: User) -> None:
    sign_in(client, rosa)
    assert "Sign out?" in client.get("/account/logout/").content.decode()
    assert client.post("/account/logout/")["Location"] == "/account/login/"
    assert trail("accounts.sign_out")[0].actor_user_id == rosa.pk


def test_a_code_of_an_authenticator_app_is_asked_for_and_works_once(client: Client, rosa: User) -> None:
    secret = generate_totp_secret()
    TOTP.activate(rosa, secret)
    assert secret not in str(Authenticator.objects.get().data)
    assert sign_in(client, rosa)["Location"] == "/account/factors/authenticate/"
    assert client.get(MINE)["Location"].startswith("/account/login/")
    assert "Your second factor" in client.get("/account/factors/authenticate/").content.decode()
    wrong = client.post("/account/factors/authenticate/", {"code": "000000"})
    assert "Incorrect code" in wrong.content.decode()
    assert trail("accounts.sign_in")[-1].refusal_code == "accounts.wrong_factor"
    code = totp_code(secret, at=time.time())
    assert client.post("/account/factors/authenticate/", {"code": code})["Location"] == "/"
    assert trail("accounts.sign_in")[-1].details["methods"] == ["password", "totp"]
    again = Client()
    sign_in(again, rosa)
    assert "Incorrect code" in again.post("/account/factors/authenticate/", {"code": code}).content.decode()


def test_a_second_factor_under_a_lost_secret_key_is_refused_in_words_and_logged(
    client: Client, rosa: User, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    secret = generate_totp_secret()
    TOTP.activate(rosa, secret)
    earlier, settings.SECRET_KEY = settings.SECRET_KEY, "another" * 8
    sign_in(client, rosa)
    typed = {"code": totp_code(secret, at=time.time())}
    answer = client.post("/account/factors/authenticate/", typed)
    assert answer.status_code == 409
    assert "secret key is not the one they were set up under" in html.unescape(answer.content.decode())
    assert "accounts.second_factor_unreadable" in caplog.messages
    settings.SECRET_KEY_FALLBACKS = [earlier]
    assert client.post("/account/factors/authenticate/", typed)["Location"] == "/"


def test_a_recovery_code_stands_in_once(client: Client, rosa: User) -> None:
    TOTP.activate(rosa, generate_totp_secret())
    code = RecoveryCodes.activate(rosa).get_unused_codes()[0]
    sign_in(client, rosa)
    assert client.post("/account/factors/authenticate/", {"code": code})["Location"] == "/"
    assert trail("accounts.sign_in")[-1].details["methods"] == ["password", "recovery_codes"]
    again = Client()
    sign_in(again, rosa)
    assert again.post("/account/factors/authenticate/", {"code": code}).status_code == 200


def _confirm(client: Client, *, back: str, password: str = PASSWORD) -> Any:
    return client.post("/account/reauthenticate/", {"password": password, "next": back})


def test_an_authenticator_app_is_set_up_and_removed_and_audited(
    client: Client, rosa: User, django_capture_on_commit_callbacks: Any
) -> None:
    sign_in(client, rosa)
    assert client.get("/account/factors/totp/activate/").status_code == 200
    old_proof(client)
    assert client.get("/account/factors/totp/activate/")["Location"].startswith("/account/reauthenticate/")
    assert _confirm(client, back="/account/factors/totp/activate/").status_code == 302
    page = client.get("/account/factors/totp/activate/").content.decode()
    secret = re.search(r"data-private>([A-Z2-7]{32})<", page)
    assert secret is not None
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/account/factors/totp/activate/", {"code": totp_code(secret[1], at=time.time())})
    assert answer["Location"] == "/account/factors/recovery-codes/"
    assert "shown this once" in client.get(answer["Location"]).content.decode()
    assert "can't be shown again" in client.get(answer["Location"]).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post("/account/factors/recovery-codes/generate/").status_code == 302
    assert client.post("/account/factors/totp/deactivate/").status_code == 302
    assert {entry.details["what"] for entry in trail("accounts.change_factors")} == {
        "recovery_codes_generated",
        "totp_activated",
        "totp_deactivated",
    }


def test_where_a_second_factor_is_required_nothing_else_opens_before_it(
    client: Client, rosa: User, settings: Settings
) -> None:
    settings.LIAISON_MFA_REQUIRED = True
    sign_in(client, rosa)
    assert client.get(MINE)["Location"] == "/account/factors/"
    assert client.get("/account/factors/").status_code == 200
    assert client.get("/account/session/").status_code == 200
    TOTP.activate(rosa, generate_totp_secret())
    assert client.get(MINE).status_code == 200
    assert client.get(MINE).status_code == 200


def test_a_second_factor_that_is_gone_is_noticed_at_the_next_page(
    client: Client, rosa: User, settings: Settings
) -> None:
    settings.LIAISON_MFA_REQUIRED = True
    sign_in(client, rosa)
    TOTP.activate(rosa, generate_totp_secret())
    assert client.get(MINE).status_code == 200
    Authenticator.objects.filter(user=rosa).delete()
    assert client.get(MINE)["Location"] == "/account/factors/"


def test_a_first_password_is_changed_before_anything_else(client: Client, rosa: User) -> None:
    told = actions.give_password(actor=acting(person("Ada", Role.ADMINISTRATOR)), person=rosa, now=NOW)
    sign_in(client, rosa, password=told)
    assert client.get(MINE)["Location"] == "/account/password/"
    assert "Your first password was read to you" in client.get("/account/password/").content.decode()
    weak = {"oldpassword": told, "password1": "short", "password2": "short"}
    assert "too short" in client.post("/account/password/", weak).content.decode()
    good = "four plain words here"
    client.post("/account/password/", {"oldpassword": told, "password1": good, "password2": good})
    assert client.get(MINE).status_code == 200
    assert trail("accounts.own_password")[-1].actor_user_id == rosa.pk


def test_changing_a_password_signs_out_the_other_browsers(client: Client, rosa: User) -> None:
    other = Client()
    sign_in(client, rosa)
    sign_in(other, rosa)
    good = "four plain words here"
    client.post("/account/password/", {"oldpassword": PASSWORD, "password1": good, "password2": good})
    assert client.get(MINE).status_code == 200
    assert other.get(MINE)["Location"].startswith("/account/login/")


def test_one_sees_and_ends_ones_other_browsers(client: Client, rosa: User) -> None:
    other = Client(headers={"User-Agent": "The other browser"})
    sign_in(client, rosa)
    sign_in(other, rosa)
    assert "The other browser" in client.get(MINE).content.decode()
    handle = Session.objects.get(browser="The other browser").handle
    client.post("/account/sessions/end/", {"session": handle})
    assert other.get(MINE)["Location"].startswith("/account/login/")
    assert "The other browser" not in client.get(MINE).content.decode()


def test_the_demo_sign_ins_are_offered_in_demo_mode_only(client: Client, settings: Settings) -> None:
    here = site()
    person("Rosa Delgado", Role.COORDINATOR, at=here, is_demo=True)
    person("Somebody Else", Role.BILLING, at=here, is_demo=True)
    assert demo_sign_ins() == ()
    assert "Look around as" not in client.get("/account/login/").content.decode()
    settings.LIAISON_MODE = "demo"
    page = client.get("/account/login/").content.decode()
    assert "Look around as" in page
    assert "Care coordinator · Riverside" in page
    assert [one.name for one in demo_sign_ins()] == ["Rosa Delgado"]


def test_every_answer_carries_the_security_headers(client: Client, rosa: User) -> None:
    answer = client.get("/account/login/")
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "camera=()" in answer["Permissions-Policy"]
    sign_in(client, rosa)
    assert client.get(MINE)["Cache-Control"] == "no-store, private"


def test_only_our_own_proxies_are_believed(client: Client, rosa: User, settings: Settings) -> None:
    forged = Client(headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.7"}, REMOTE_ADDR="10.0.0.1")
    sign_in(forged, rosa)
    settings.LIAISON_TRUSTED_PROXIES = 1
    sign_in(Client(headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.7"}, REMOTE_ADDR="10.0.0.1"), rosa)
    sign_in(Client(headers={"X-Forwarded-For": "not an address"}, REMOTE_ADDR="10.0.0.2"), rosa)
    sign_in(Client(REMOTE_ADDR="10.0.0.3"), rosa)
    found = [entry.details["address"] for entry in trail("accounts.sign_in")]
    assert found == ["10.0.0.1", "203.0.113.7", "10.0.0.2", "10.0.0.3"]


def test_a_code_confirms_who_one_is_and_a_wrong_one_does_not(client: Client, rosa: User) -> None:
    secret = generate_totp_secret()
    sign_in(client, rosa)
    TOTP.activate(rosa, secret)
    old_proof(client)
    assert client.post("/account/factors/reauthenticate/", {"code": "000000", "next": MINE}).status_code == 200
    code = totp_code(secret, at=time.time())
    assert client.post("/account/factors/reauthenticate/", {"code": code, "next": MINE})["Location"] == MINE
    assert [(entry.outcome, entry.details["method"]) for entry in trail("accounts.confirm")] == [
        ("refused", "code"),
        ("done", "code"),
    ]


def _made_up_credential() -> str:
    return json.dumps(
        {
            "id": "AAAA",
            "rawId": "AAAA",
            "type": "public-key",
            "response": {"clientDataJSON": "e30", "authenticatorData": "AAAA", "signature": "AAAA", "userHandle": "MQ"},
            "clientExtensionResults": {},
        }
    )


def test_a_made_up_passkey_lets_nobody_in_and_is_audited(client: Client, rosa: User) -> None:
    asked = client.get("/account/factors/webauthn/login/", headers={"Accept": "application/json"})
    assert "challenge" in str(asked.json())
    answer = client.post("/account/factors/webauthn/login/", {"credential": _made_up_credential()})
    assert answer["Location"] == "/account/login/"
    refused = trail("accounts.sign_in")[-1]
    assert (refused.outcome, refused.details["step"]) == ("refused", "passkey")
    TOTP.activate(rosa, generate_totp_secret())
    sign_in(client, rosa)
    client.get("/account/factors/authenticate/")
    client.post("/account/factors/authenticate/", {"credential": _made_up_credential()})
    assert trail("accounts.sign_in")[-1].subject_id == rosa.pk
    assert client.get(MINE)["Location"].startswith("/account/login/")
