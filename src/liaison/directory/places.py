"""The places of this package."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from liaison.core.places import Place
from liaison.directory.access import SEE

PLACES: Final = (
    Place(
        label=_("Directory"),
        name="directory:home",
        icon="address-book",
        rank=110,
        verb=SEE,
        letter="i",
        words="clinicians places phone",
    ),
)
