"""The places of this package, and the addresses of signing in and out that every page's frame uses."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from liaison.accounts.access import MANAGE_PEOPLE, MANAGE_SITES, SEARCH_AUDIT
from liaison.core.places import Place

FRAME: Final = {
    "sign_in": "account_login",
    "sign_out": "account_logout",
    "keep_alive": "accounts:session",
    "account": "accounts:mine",
}

PLACES: Final = (
    Place(
        label=_("Audit"),
        name="accounts:audit",
        icon="shield",
        rank=120,
        verb=SEARCH_AUDIT,
        everywhere=True,
        letter="a",
        words="trail who saw",
    ),
    Place(
        label=_("People"),
        name="accounts:people",
        icon="user-cog",
        rank=140,
        verb=MANAGE_PEOPLE,
        letter="u",
        words="roles staff team users",
    ),
    Place(
        label=_("Sites and teams"),
        name="accounts:sites",
        icon="building-hospital",
        rank=145,
        verb=MANAGE_SITES,
        words="add site team",
    ),
    Place(
        label=_("My account"), name="accounts:mine", icon="user", rank=300, words="password passkey sessions factors"
    ),
    Place(label=_("Sign out"), name="account_logout", icon="logout", rank=310, words="leave quit"),
)
