"""Settings, all by environment; `docs/operations.md` explains each one.

Modes: `demo` (the default: invented people, local mail, demo secrets), `production` (refuses demo secrets,
the training clock and plain HTTP cookies) and `test`.
"""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from environs import Env

from liaison.config.demands import Given, sentence, wrong_anywhere, wrong_in_production, wrong_outside_production
from liaison.core.logs import logging_config

env = Env()

LIAISON_MODE = env.str("LIAISON_MODE", "demo")
if LIAISON_MODE not in {"demo", "production", "test"}:
    raise ImproperlyConfigured("LIAISON_MODE is demo, production or test.")
PRODUCTION = LIAISON_MODE == "production"

_DEMO_SECRET = "demo-secret-for-invented-people-only-do-not-use-in-a-clinic"  # noqa: S105 - refused in production
_DEMO_ORGANIZATION = "Riverside Health (demonstration)"
_DEMO_MAIL_FROM = "Riverside Health <no-reply@riverside.example>"

LIAISON_DATA = Path(env.str("LIAISON_DATA", ".data")).resolve()
SECRET_KEY = env.str("LIAISON_SECRET_KEY", "" if PRODUCTION else _DEMO_SECRET)
LIAISON_AUDIT_KEY = env.str("LIAISON_AUDIT_KEY", "" if PRODUCTION else _DEMO_SECRET)
LIAISON_AUDIT_HEADS = Path(env.str("LIAISON_AUDIT_HEADS", "") or LIAISON_DATA / "log").resolve()
LIAISON_SCHEMA = env.str("LIAISON_SCHEMA", "liaison")
LIAISON_ORGANIZATION = env.str("LIAISON_ORGANIZATION", "" if PRODUCTION else _DEMO_ORGANIZATION)

LIAISON_CLOCK_OFFSET = env.int("LIAISON_CLOCK_OFFSET", 0)
_as_of = env.str("LIAISON_AS_OF", "")
if _as_of and not LIAISON_CLOCK_OFFSET:
    _instant = datetime.fromisoformat(_as_of)
    _instant = _instant if _instant.tzinfo else _instant.replace(hour=_instant.hour or 14, tzinfo=UTC)
    LIAISON_CLOCK_OFFSET = int((_instant - datetime.now(UTC)).total_seconds())  # noqa: TID251 - start-up

LIAISON_HOST = env.str("LIAISON_HOST", "127.0.0.1")
LIAISON_PORT = env.int("LIAISON_PORT", 8000)
# Passkeys belong to a name, never to a number: people on this machine are sent to localhost.
_name = "localhost" if LIAISON_HOST in {"127.0.0.1", "0.0.0.0"} else LIAISON_HOST  # noqa: S104 - recognised, not bound
LIAISON_PUBLIC_URL = env.str("LIAISON_PUBLIC_URL", f"http://{_name}:{LIAISON_PORT}").rstrip("/")
# "{host}" becomes the name under which the page was opened: only there the session's cookie is sent along.
LIAISON_EVENTS_URL = env.str(
    "LIAISON_EVENTS_URL", "/events" if PRODUCTION else f"http://{{host}}:{LIAISON_PORT + 1}/events"
)
SMTP_URL = env.str("SMTP_URL", "" if PRODUCTION else "smtp://127.0.0.1:2525")
LIAISON_MAIL_FROM = env.str("LIAISON_MAIL_FROM", _DEMO_MAIL_FROM)
LIAISON_MAIL_REPLY_TO = env.str("LIAISON_MAIL_REPLY_TO", "")
LIAISON_DOCUMENT_MB = env.int("LIAISON_DOCUMENT_MB", 15)
LIAISON_DOCUMENT_SCANNER = env.str("LIAISON_DOCUMENT_SCANNER", "")
SECRET_KEY_FALLBACKS: list[str] = env.list("LIAISON_SECRET_KEY_FALLBACKS", [])
LIAISON_IDLE_SECONDS = env.int("LIAISON_IDLE_SECONDS", 15 * 60)
LIAISON_ABSOLUTE_SECONDS = env.int("LIAISON_ABSOLUTE_SECONDS", 12 * 60 * 60)
LIAISON_STEP_UP_SECONDS = env.int("LIAISON_STEP_UP_SECONDS", 10 * 60)
LIAISON_TRUSTED_PROXIES = env.int("LIAISON_TRUSTED_PROXIES", 1 if PRODUCTION else 0)
AXES_FAILURE_LIMIT = env.int("LIAISON_LOCKOUT_FAILURES", 5)
_log_level = env.str("LIAISON_LOG_LEVEL", "INFO").upper()

_given = Given(
    secret_key=SECRET_KEY,
    secret_key_fallbacks=tuple(SECRET_KEY_FALLBACKS),
    audit_key=LIAISON_AUDIT_KEY,
    clock_offset=LIAISON_CLOCK_OFFSET,
    organization=LIAISON_ORGANIZATION,
    mail_from=LIAISON_MAIL_FROM,
    mail_reply_to=LIAISON_MAIL_REPLY_TO,
    smtp_url=SMTP_URL,
    database_url=env.str("DATABASE_URL", ""),
    schema=LIAISON_SCHEMA,
    public_url=LIAISON_PUBLIC_URL,
    events_url=LIAISON_EVENTS_URL,
    hosts=tuple(env.list("LIAISON_ALLOWED_HOSTS", [])),
    origins=tuple(env.list("LIAISON_TRUSTED_ORIGINS", [])),
    log_level=_log_level,
    document_scanner=LIAISON_DOCUMENT_SCANNER,
    numbers={
        "LIAISON_CLOCK_OFFSET": LIAISON_CLOCK_OFFSET,
        "LIAISON_PORT": LIAISON_PORT,
        "LIAISON_DOCUMENT_MB": LIAISON_DOCUMENT_MB,
        "LIAISON_IDLE_SECONDS": LIAISON_IDLE_SECONDS,
        "LIAISON_ABSOLUTE_SECONDS": LIAISON_ABSOLUTE_SECONDS,
        "LIAISON_STEP_UP_SECONDS": LIAISON_STEP_UP_SECONDS,
        "LIAISON_TRUSTED_PROXIES": LIAISON_TRUSTED_PROXIES,
        "LIAISON_LOCKOUT_FAILURES": AXES_FAILURE_LIMIT,
        "LIAISON_DEMO_PATIENTS": env.int("LIAISON_DEMO_PATIENTS", 400),
    },
    demo_secret=_DEMO_SECRET,
    demo_organization=_DEMO_ORGANIZATION,
    demo_mail_from=_DEMO_MAIL_FROM,
)
_wrong = [*wrong_anywhere(_given), *(wrong_in_production if PRODUCTION else wrong_outside_production)(_given)]
if _wrong:
    raise ImproperlyConfigured(sentence(_wrong, mode=LIAISON_MODE))

DEBUG = False
ALLOWED_HOSTS = env.list("LIAISON_ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]", "testserver"])
if LIAISON_HOST not in ALLOWED_HOSTS:
    ALLOWED_HOSTS.append(LIAISON_HOST)
CSRF_TRUSTED_ORIGINS = env.list("LIAISON_TRUSTED_ORIGINS", [LIAISON_PUBLIC_URL])

_PACKAGES = (
    "accounts",
    "directory",
    "patients",
    "loops",
    "records",
    "inbox",
    "orders",
    "equipment",
    "coverage",
    "scheduling",
    "pathways",
    "gateways",
    "gateways.email",
    "gateways.ical",
    "fhir",
    "insights",
    "portal",
    "desk",
    "demo",
)


def _has_app(name: str) -> bool:
    return importlib.util.find_spec(f"liaison.{name}") is not None and bool(
        importlib.util.find_spec(f"liaison.{name}.apps")
    )


INSTALLED_APPS = [
    "liaison.core",
    *(f"liaison.{name}" for name in _PACKAGES if _has_app(name)),
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "procrastinate.contrib.django",
]

MIDDLEWARE = [
    "liaison.accounts.middleware.SecurityHeadersMiddleware",
    "liaison.core.middleware.RequestMarkMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "liaison.accounts.middleware.ActorMiddleware",
    "liaison.core.middleware.BodyLimitMiddleware",
    "liaison.core.middleware.PlainTextMiddleware",
    "liaison.core.middleware.RememberingMiddleware",
    "liaison.core.middleware.RefusalMiddleware",
    "liaison.accounts.middleware.StepUpMiddleware",
    "liaison.core.middleware.SeenMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "liaison.config.urls"
WSGI_APPLICATION = "liaison.config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "liaison.core.shell.shell",
            ],
        },
    },
]

_database = env.dj_db_url("DATABASE_URL", "postgres://liaison@127.0.0.1:5432/liaison")
DATABASES = {
    "default": {
        **_database,
        "ENGINE": "liaison.core.postgres",
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,  # liaison.core.postgres looks itself, and faster than the pool would
        "OPTIONS": {
            **_database.get("OPTIONS", {}),
            "options": f"-c search_path={LIAISON_SCHEMA},public",
            **({} if LIAISON_MODE == "test" else {"pool": {"min_size": 1, "max_size": 16, "timeout": 10}}),
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = (
    ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if LIAISON_MODE == "test"
    else ["django.contrib.auth.hashers.ScryptPasswordHasher"]
)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = LIAISON_DATA / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if LIAISON_MODE == "test"
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = LIAISON_MODE == "test"

SESSION_ENGINE = "liaison.accounts.sessions"
SESSION_COOKIE_AGE = LIAISON_ABSOLUTE_SECONDS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SECURE = PRODUCTION
CSRF_FAILURE_VIEW = "liaison.core.translate.unproven"
SECURE_SSL_REDIRECT = PRODUCTION and env.bool("LIAISON_SSL_REDIRECT", True)
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"
PROCRASTINATE_ON_APP_READY = "liaison.core.jobs.on_app_ready"

LOGGING = logging_config(mode=LIAISON_MODE, level=_log_level)
# HSTS for subdomains and preloading (W005, W021) reach beyond this one host: that is for who owns the domain.
SILENCED_SYSTEM_CHECKS = ["axes.W003", "security.W005", "security.W021"]

LIAISON_MFA_REQUIRED = env.bool("LIAISON_MFA_REQUIRED", PRODUCTION)

# Rate limits and used codes are shared by all web processes, so they live in the database.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "account_cache",
        "OPTIONS": {"MAX_ENTRIES": 50_000},
    }
}
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "liaison.accounts.backends.PasswordBackend",
]
LOGIN_REDIRECT_URL = "/"
LOGIN_URL = "/account/login/"
ACCOUNT_ADAPTER = "liaison.accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = LIAISON_STEP_UP_SECONDS
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "30/m/ip,10/5m/key", "reauthenticate": "10/m/user"}
MFA_ADAPTER = "liaison.accounts.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = LIAISON_ORGANIZATION
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION  # passkeys on http://localhost, for demo and tests
MFA_FORMS = {
    "authenticate": "liaison.accounts.forms.SignInCodeForm",
    "reauthenticate": "liaison.accounts.forms.ConfirmCodeForm",
    "authenticate_webauthn": "liaison.accounts.forms.SignInKeyForm",
    "login_webauthn": "liaison.accounts.forms.PasskeyForm",
    "reauthenticate_webauthn": "liaison.accounts.forms.ConfirmKeyForm",
}
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_USERNAME_CALLABLE = "liaison.accounts.client.typed_address"
AXES_CLIENT_IP_CALLABLE = "liaison.accounts.client.client_address"
AXES_LOCKOUT_CALLABLE = "liaison.accounts.views.session.locked_out"
