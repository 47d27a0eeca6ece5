"""What other packages hand to the ledger: kinds of loop, owners, and the clocks to start.

Nothing here touches the database, so any package may build these values in its rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

ROUTINE = "routine"
URGENT = "urgent"
CLINICAL = "clinical"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofPage:
    """A page that proves something by itself: its URL's name (asked with ``?loop=ID``), and what is done there.

    ``by_care``: only those who care for the patient are offered it.
    """

    url: str
    words: str
    by_care: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopKind:
    """One kind of promise, and what proves it kept.

    ``required_evidence`` are the codes that must all be in before a loop of this kind may close;
    it is never empty. ``other_evidence`` may be recorded too. ``evidence_labels`` says each code as
    a person would ("Consult note received"). ``managed_at`` names the URL (one argument, the id of
    what the loop is about) of the page that moves such loops, when evidence must be given there and
    not by the desk's generic form; empty for kinds the desk itself closes. ``closes_itself`` closes a loop
    with the last required piece of evidence, without a further click. ``clinical_evidence`` are the codes that
    only those who care for the patient may record, and whose words only those with the chart read;
    ``event_words`` say what its clocks run from and end by as a person would, by the event's name without numbers
    ("encounter:12" is named "encounter", "referral:3:sent" is named "referral:sent"). ``clinical_words`` says that
    title and step of such loops are clinical themselves. ``proven_at`` names for codes of evidence the page that proves
    them (a logged call, a visit with its day): nobody records those on the desk with a sentence.
    """

    code: str
    label: str
    required_evidence: tuple[str, ...]
    other_evidence: tuple[str, ...] = ()
    evidence_labels: Mapping[str, str] = field(default_factory=dict)
    managed_at: str = ""
    closes_itself: bool = False
    clinical_evidence: frozenset[str] = frozenset()
    clinical_words: bool = False
    event_words: Mapping[str, str] = field(default_factory=dict)
    proven_at: Mapping[str, ProofPage] = field(default_factory=dict)
    icon: str = "circle-dot"

    def __post_init__(self) -> None:
        """Refuse a kind that could close without proof."""
        if not self.required_evidence:
            msg = f"Loop kind {self.code!r} requires no evidence: say what proves the promise kept."
            raise ValueError(msg)
        if unknown := {*self.clinical_evidence, *self.proven_at} - set(self.accepted_evidence):
            msg = f"Loop kind {self.code!r} knows no evidence {', '.join(sorted(unknown))}."
            raise ValueError(msg)

    @property
    def accepted_evidence(self) -> tuple[str, ...]:
        """Every code of evidence this kind understands, the required ones first."""
        return self.required_evidence + self.other_evidence

    def evidence_label(self, code: str) -> str:
        """The words for a code of evidence; the code itself, spaced, when none were given."""
        return self.evidence_labels.get(code) or code.replace("_", " ").capitalize()


_kinds: dict[str, LoopKind] = {}


def register_kind(kind: LoopKind) -> None:
    """Make a kind known. The same kind may be registered twice; another one under its code may not."""
    known = _kinds.get(kind.code)
    if known is not None and known != kind:
        msg = f"Loop kind {kind.code!r} is already registered differently."
        raise ValueError(msg)
    _kinds[kind.code] = kind


def kind_of(code: str) -> LoopKind:
    """The kind registered under this code; ``LookupError`` names the ones there are."""
    try:
        return _kinds[code]
    except KeyError:
        msg = f"No loop kind {code!r}; registered are: {', '.join(sorted(_kinds)) or 'none'}."
        raise LookupError(msg) from None


def registered_kinds() -> tuple[LoopKind, ...]:
    """All kinds, by label."""
    return tuple(sorted(_kinds.values(), key=lambda kind: kind.label))


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who keeps a promise: exactly one of a person and a team."""

    user_id: int | None = None
    team_id: int | None = None

    def __post_init__(self) -> None:
        """Refuse nobody, and refuse two."""
        if (self.user_id is None) == (self.team_id is None):
            msg = "An owner is exactly one of a person and a team."
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """The thing a loop serves: a type such as ``"orders.referral"`` and its id."""

    type: str
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """Something that turned out not to be so, and how a loop knows what hangs on it.

    ``sentence`` says it in the story, ``reason`` why. Void is the evidence that agrees with all that is given:
    ``about`` the thing it names, ``kinds`` its codes (None is any), ``at`` when it was recorded. ``events`` are
    the names under which it ended or began clocks ("call:12"); with ``at`` only those of that instant. ``because`` is
    a code for another fact that overtook it, "" for a slip; by it `count_evidence_again` finds the evidence.
    """

    sentence: str
    reason: str = ""
    because: str = ""
    about: About | None = None
    kinds: tuple[str, ...] | None = None
    events: tuple[str, ...] = ()
    at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse what would name every piece of evidence there is."""
        if self.about is None and self.kinds is None:
            msg = "Say what the mistake is about, or which evidence it gave."
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What proves ``kind`` on a loop, and the thing that does: it takes the place of proof that was a mistake."""

    loop_id: int
    kind: str
    note: str
    about: About


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockToStart:
    """One deadline to run (DOMAIN 0: every clock is a record).

    ``step`` is what a person does next, verb first ("Call Walter Ng"); ``is_call`` says that it is to call somebody,
    in whatever words. ``due_at`` is aware. ``rule_id``, ``rule_version`` and ``source`` say which rule made it;
    ``anchor_event`` names the event it runs from ("encounter:12") and ``anchor_at`` when that was; ``calendar``
    names the days it was counted on. ``evidence`` is the code whose arrival satisfies it, empty when only an action
    does. ``waiting_on`` names who must move first, empty when the step is the owner's; ``waiting_on_user_id`` is that
    person's account when they have one here: the step then stands on their desk as well.
    """

    rule_id: str
    rule_version: str
    step: str
    anchor_event: str
    anchor_at: datetime
    due_at: datetime
    calendar: str = ""
    source: str = ""
    evidence: str = ""
    is_call: bool = False
    waiting_on: str = ""
    waiting_on_user_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """What a person says is next, in their words, and by when (aware).

    ``is_call`` says that it is to call somebody, ``waiting_on`` who must move first; ``because_of`` names the event
    that it follows from ("call:12").
    """

    words: str
    due_at: datetime
    is_call: bool = False
    waiting_on: str = ""
    because_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What is promised to a patient: of which kind, under which title, and the clocks that run, at least one.

    ``about`` is the thing it serves. ``once_key`` names it: under it one loop is opened, ever; "" is a new one always.
    """

    kind: str
    title: str
    clocks: Sequence[ClockToStart]
    about: About | None = None
    once_key: str = ""
    priority: str = ROUTINE

    def __post_init__(self) -> None:
        """Refuse a promise that nothing falls due of."""
        if not self.clocks:
            raise ValueError("A loop needs at least one clock: what is next, and by when?")


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseToKeep(Promise):
    """A promise that nobody makes by hand: what `loops.actions.open_or_wait` opens, or keeps until it has an owner."""

    clocks: tuple[ClockToStart, ...]
    about: About
    once_key: str


WaitingCounter = Callable[..., Mapping[int, int]]
"""Counts by site what waits for an owner: ``counter(site_ids=…, now=…)``; a site with nothing may be left out."""

_waiting_counters: dict[str, WaitingCounter] = {}


def register_waiting(code: str, counter: WaitingCounter) -> None:
    """Count what else waits for an owner, by a code such as "inbox.messages" (called in `AppConfig.ready`)."""
    _waiting_counters[code] = counter


def waiting_counters() -> tuple[WaitingCounter, ...]:
    """Every counter, by code."""
    return tuple(counter for _, counter in sorted(_waiting_counters.items()))


TASK = LoopKind(
    code="task",
    label="Task",
    required_evidence=("done",),
    evidence_labels={"done": "Done, and how"},
    closes_itself=True,
    icon="checkbox",
)
CALL_BACK = LoopKind(
    code="call_back",
    label="Call back",
    required_evidence=("spoke_with_patient",),
    other_evidence=("attempt",),
    evidence_labels={"spoke_with_patient": "Spoke with the patient or their proxy", "attempt": "Attempt"},
    closes_itself=True,
    icon="phone",
)
