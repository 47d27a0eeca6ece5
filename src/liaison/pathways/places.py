"""The places of this package."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from liaison.core.places import Place
from liaison.pathways.access import READ

PLACES: Final = (
    Place(
        label=_("Protocols"),
        name="pathways:protocols",
        icon="clipboard-list",
        rank=100,
        verb=READ,
        letter="o",
        words="rules follow-up",
    ),
)
