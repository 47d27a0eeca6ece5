"""The places of this package."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from liaison.core.places import Place
from liaison.orders.access import SEE

PLACES: Final = (
    Place(
        label=_("Referrals"),
        name="orders:referrals",
        icon="send",
        rank=70,
        verb=SEE,
        letter="e",
        words="specialist sent notes",
    ),
)
