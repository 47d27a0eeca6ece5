"""Every door's addresses: each package that has screens brings its own `urls`."""

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

from liaison.accounts.urls import sign_in_patterns
from liaison.core import health

_WITH_SCREENS = (
    "accounts",
    "desk",
    "patients",
    "directory",
    "loops",
    "records",
    "inbox",
    "orders",
    "scheduling",
    "pathways",
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("account/", include(sign_in_patterns)),
    *(path("", include(f"liaison.{name}.urls")) for name in _WITH_SCREENS if find_spec(f"liaison.{name}.urls")),
]

handler400 = "liaison.core.translate.bad_request"
handler403 = "liaison.core.translate.forbidden"
handler404 = "liaison.core.translate.not_found"
handler500 = "liaison.core.translate.server_error"
handler429 = "liaison.accounts.views.session.too_many_tries"  # asked for by allauth
