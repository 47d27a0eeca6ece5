"""The places of the desk, and the addresses that every page's frame asks of it."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from liaison.core.places import Place
from liaison.loops.access import BOARD, SEE

FRAME: Final = {"presence": "desk:presence", "palette": "desk:palette"}

_HOME: Final = "desk:home"

PLACES: Final = (
    Place(label=_("Desk"), name=_HOME, icon="inbox", rank=10, verb=SEE, letter="d", words="home"),
    Place(
        label=_("Desk: mine and my teams’"),
        name=_HOME,
        icon="inbox",
        rank=11,
        verb=SEE,
        query="tab=ours",
        words="ours",
    ),
    Place(label=_("Desk: mine alone"), name=_HOME, icon="user", rank=12, verb=SEE, query="tab=mine"),
    Place(label=_("Desk: my teams"), name=_HOME, icon="users-group", rank=13, verb=SEE, query="tab=teams"),
    Place(
        label=_("Desk: overdue"),
        name=_HOME,
        icon="alert-triangle",
        rank=14,
        verb=SEE,
        query="tab=overdue",
        words="late",
    ),
    Place(label=_("Desk: today"), name=_HOME, icon="clock", rank=15, verb=SEE, query="tab=today", words="due"),
    Place(label=_("Desk: waiting on others"), name=_HOME, icon="hourglass", rank=16, verb=SEE, query="tab=waiting"),
    Place(
        label=_("Board"),
        name="desk:board",
        icon="layout-board",
        rank=90,
        verb=BOARD,
        letter="b",
        words="who has how much team load",
    ),
)
