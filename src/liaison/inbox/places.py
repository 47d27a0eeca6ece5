"""The places of this package."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from liaison.core.places import Place
from liaison.inbox.access import EDIT_TEMPLATES, READ, SORT_MAIL

PLACES: Final = (
    Place(label=_("Messages"), name="inbox:messages", icon="mail", rank=80, verb=READ, letter="m", words="inbox mail"),
    Place(
        label=_("Unmatched mail"),
        name="inbox:unmatched",
        icon="mail-question",
        rank=81,
        verb=SORT_MAIL,
        everywhere=True,
        words="whose sort incoming",
    ),
    Place(
        label=_("Texts to patients"),
        name="inbox:templates",
        icon="template",
        rank=82,
        verb=EDIT_TEMPLATES,
        everywhere=True,
        words="templates wording messages",
    ),
    Place(
        label=_("Demo mailbox"),
        name="inbox:demo_mailbox",
        icon="mailbox",
        rank=200,
        verb=READ,
        letter="x",
        words="what patients received",
        mode="demo",
    ),
)
