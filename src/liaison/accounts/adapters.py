"""Where django-allauth asks Liaison: sign-in, sign-out, passwords and second factors."""

from __future__ import annotations

import base64
import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from liaison.accounts import trail
from liaison.accounts.actions import set_password
from liaison.accounts.client import browser_of, client_address
from liaison.accounts.models import User
from liaison.accounts.queries import actor_for
from liaison.accounts.sessions import ADDRESS, BEGAN, BROWSER, SEEN
from liaison.core.asking import page_here
from liaison.core.clock import current_time, real_instant
from liaison.core.refusals import Refusal

log = logging.getLogger(__name__)


class TooManyTries(Refusal):
    """More tries at signing in, from one place or for one account, than are taken in that time."""

    code = "accounts.rate_limited"
    title = "Too many tries"
    sentence = (
        "There were too many tries in a short time, so this one was not taken. Wait five minutes, then try again."
    )
    status = 429


def too_many_tries(request: HttpRequest, *, email: str) -> TooManyTries:
    """The refusal of a try that is one too many, audited: guessing that goes on must go on showing."""
    address = client_address(request)
    if request.user.is_authenticated:
        actor = actor_for(request.user, session=request.session, now=current_time())
        trail.confirmed(actor, method="password", passed=False, address=address, code=TooManyTries.code)
    else:
        trail.refused_sign_in(email=email, code=TooManyTries.code, address=address, step="password")
    refusal = TooManyTries()
    refusal.audited = True
    return refusal


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc,unused-ignore]  # the library has no types
    """Sign-in, sign-out and passwords. Nobody signs up: an administrator adds people."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        del request
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that rate limits count by."""
        return client_address(request)

    def login(self, request: HttpRequest, user: Any) -> None:
        """Begin a session, with its times and browser, and audit by which proofs."""
        super().login(request, user)
        now = current_time()
        began = real_instant(now).timestamp()
        request.session[BEGAN] = request.session[SEEN] = began
        request.session[BROWSER] = browser_of(request)
        request.session[ADDRESS] = client_address(request)
        request.session.save()
        actor = actor_for(user, session=request.session, now=now)
        trail.signed_in(actor, methods=_methods(request, user), address=client_address(request))

    def logout(self, request: HttpRequest) -> None:
        """Audit who leaves, then forget the session."""
        trail.signed_out(actor_for(request.user, session=request.session, now=current_time()))
        super().logout(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count this try. Refuses: TooManyTries, whatever the password is."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError as error:
            raise too_many_tries(request, email=str(credentials.get("email", ""))) from error

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Audit a wrong password, at sign-in or when someone confirms who they are."""
        address = client_address(request)
        if request.user.is_authenticated:
            actor = actor_for(request.user, session=request.session, now=current_time())
            trail.confirmed(actor, method="password", passed=False, address=address)
            return
        locked = getattr(request, "axes_locked_out", False)
        trail.refused_sign_in(
            email=str(credentials.get("email", "")),
            code="accounts.locked_out" if locked else "accounts.wrong_password",
            address=address,
            step="password",
        )

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        """Audit the right password of a closed account."""
        trail.refused_sign_in(
            email=user.email, code="accounts.closed", address=client_address(request), step="password"
        )
        response: HttpResponse = super().respond_user_inactive(request, user)
        return response

    def reauthenticate(self, user: Any, password: str) -> bool:
        """Whether this is the password of the one who is signed in; counts towards lock-out like sign-in."""
        found = self.authenticate(context.request, email=user.email, password=password)
        passed = found is not None and found.pk == user.pk
        if passed:
            request = context.request
            actor = actor_for(user, session=request.session, now=current_time())
            trail.confirmed(actor, method="password", passed=True, address=client_address(request))
        return passed

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Not within ten minutes of a proof, and signing in is one: nobody types a password twice in a row."""
        del app, kwargs
        now = current_time()
        request = context.request
        return not actor_for(request.user, session=request.session, now=now).has_stepped_up(now=now)

    def set_password(self, user: Any, password: str) -> None:
        """Change one's own password, through the action."""
        now = current_time()
        actor = actor_for(context.request.user, session=context.request.session, now=now)
        set_password(actor=actor, person=user, password=password, now=now)

    def send_notification_mail(self, template_prefix: str, user: Any, *args: Any, **kwargs: Any) -> None:
        """Every change of second factors passes here; it is audited. No mail is sent by this package."""
        del args, kwargs
        part, _, what = template_prefix.partition("/email/")
        if part == "mfa":
            request = self.request or context.request
            actor = actor_for(user, session=request.session, now=current_time())
            trail.factors_changed(actor, what=what)

    def add_message(self, request: HttpRequest, level: int, *args: Any, **kwargs: Any) -> None:
        """Say what needs saying; that one has signed in shows by itself."""
        template = args[0] if args else kwargs.get("message_template")
        if template == "account/messages/logged_in.txt":
            return
        super().add_message(request, level, *args, **kwargs)

    def is_safe_url(self, url: str) -> bool:
        """Whether one may be sent on to `url` after signing in or confirming who one is: only to a page here."""
        return bool(page_here(url))

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        """Back to the sign-in page."""
        del request
        return reverse("account_login")


class SecondFactorUnreadable(Refusal):
    """The secret of a second factor was encrypted under a key that this installation no longer has."""

    code = "accounts.second_factor_unreadable"
    sentence = (
        "Second factors can't be read: this installation's secret key is not the one they were set up under. Tell "
        "whoever runs Liaison: LIAISON_SECRET_KEY_FALLBACKS needs the earlier key. If it is lost, an administrator "
        "resets your second factor."
    )
    status = 409


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc,unused-ignore]  # the library has no types
    """Second factors: their secrets are encrypted in the database."""

    def encrypt(self, text: str) -> str:
        """Encrypt under a key derived from the secret key of this installation."""
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt under the present secret key or one of its predecessors. Refuses SecondFactorUnreadable."""
        try:
            return _cipher().decrypt(encrypted_text.encode()).decode()
        except InvalidToken as error:
            log.warning(
                "accounts.second_factor_unreadable", extra={"known_secrets": 1 + len(settings.SECRET_KEY_FALLBACKS)}
            )
            raise SecondFactorUnreadable from error

    def _get_site_name(self) -> str:
        return str(settings.LIAISON_ORGANIZATION)

    def get_totp_label(self, user: User) -> str:
        """The name that the authenticator app shows beside the code."""
        return user.email


def _methods(request: HttpRequest, user: Any) -> list[str]:
    proofs = get_authentication_records(request, user)
    return [str(proof.get("type") or proof["method"]) for proof in proofs]


def _cipher() -> MultiFernet:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_key(secret)) for secret in secrets])


def _key(secret: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"liaison second factors")
    return base64.urlsafe_b64encode(derived.derive(secret.encode()))
