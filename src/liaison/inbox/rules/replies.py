"""What a patient's short answer means (DOMAIN 8.1, 47 CFR 64.1200(a)(10))."""

import re
from enum import StrEnum

_STOPS = frozenset(
    {"stop", "quit", "end", "revoke", "opt out", "optout", "cancel", "unsubscribe"}
    | {"parar", "alto", "cancelar", "baja", "no más", "no mas"}
)
_STOP_ALL = frozenset({"stop all", "stopall", "parar todo", "alto a todo"})
_STARTS = frozenset({"start", "unstop", "yes start", "empezar", "iniciar"})
_HELPS = frozenset({"help", "info", "ayuda"})
_CONFIRMS = frozenset({"c", "confirm", "yes", "y", "si", "sí", "confirmar", "confirmo"})
_MOVES = frozenset({"r", "reschedule", "cambiar"})
_PHRASES = re.compile(
    r"\b(stop|unsubscribe|opt out|leave me alone|do ?n[o']?t (text|message|write|call|contact)|no more|remove me"
    r"|no me (escriban|llamen|manden)|ya no|dejen de|déjenme)\b"
)


class Reply(StrEnum):
    """The meaning of an answer; REVIEW means that a person reads it and sending pauses."""

    STOP = "stop"
    STOP_ALL = "stop_all"
    START = "start"
    HELP = "help"
    CONFIRM = "confirm"
    RESCHEDULE = "reschedule"
    REVIEW = "review"
    OTHER = "other"


_EXACT = (
    (_STOP_ALL, Reply.STOP_ALL),
    (_STOPS, Reply.STOP),
    (_STARTS, Reply.START),
    (_HELPS, Reply.HELP),
    (_CONFIRMS, Reply.CONFIRM),
    (_MOVES, Reply.RESCHEDULE),
)


def meaning(text: str) -> Reply:
    """Exact keywords act at once; a sentence that sounds like an opt-out goes to a person; the rest is a message."""
    folded = text.casefold().replace("’", "'")
    bare = " ".join(re.sub(r"[^\w\s]", " ", folded).split())
    for words, reply in _EXACT:
        if bare in words:
            return reply
    return Reply.REVIEW if _PHRASES.search(" ".join(folded.split())) else Reply.OTHER
