"""The places of this package."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from liaison.core.places import Place
from liaison.loops.access import HAND_OVER, HOLIDAYS

PLACES: Final = (
    Place(
        label=_("Hand over a desk"),
        name="loops:hand_over",
        icon="arrows-exchange",
        rank=91,
        verb=HAND_OVER,
        words="absent away cover",
    ),
    Place(
        label=_("Holidays"),
        name="loops:holidays",
        icon="calendar-off",
        rank=150,
        verb=HOLIDAYS,
        letter="h",
        words="closed days federal payer administration",
    ),
)
