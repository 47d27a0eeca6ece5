"""The places of this package."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from liaison.core.places import Place
from liaison.patients.access import MERGE, REGISTER, REVIEW_GRANTS, SEE

PLACES: Final = (
    Place(
        label=_("Patients"),
        name="patients:search",
        icon="users",
        rank=20,
        verb=SEE,
        letter="p",
        words="find a patient search",
    ),
    Place(
        label=_("Register a new patient"),
        name="patients:new",
        icon="user-plus",
        rank=21,
        verb=REGISTER,
        words="add create",
    ),
    Place(label=_("Possible duplicates"), name="patients:duplicates", icon="users", rank=22, verb=MERGE, words="merge"),
    Place(
        label=_("Emergency access"),
        name="patients:grants",
        icon="key",
        rank=130,
        verb=REVIEW_GRANTS,
        letter="k",
        words="break the glass grants review",
    ),
)
