"""The protocols as people read them: what opens what, by when, and whether it is on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden, NotFound
from liaison.loops.ports import kind_of
from liaison.pathways.access import READ
from liaison.pathways.models import Enrolment, ProtocolPause
from liaison.pathways.models import Protocol as StoredProtocol
from liaison.pathways.rules.protocol import Complexity, Protocol, read_protocol
from liaison.pathways.rules.reasons import in_words
from liaison.pathways.rules.words import anchor_words, node_words


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionLine:
    """One condition: when nothing is opened, in a coordinator's words, and the whole question in plain ones."""

    not_when: str
    asks: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLine:
    """One step of the loop it opens; `allowed_high` is "" unless a high complexity allows something else."""

    step: str
    allowed: str
    allowed_high: str
    proved_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseLine:
    """One time in which it was off; `ended_at` is None while it is."""

    since_at: datetime
    reason: str
    by_name: str
    ended_at: datetime | None
    ended_by_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolView:
    """One protocol in its current version. `running` counts its open follow-ups at all sites."""

    code: str
    title: str
    version: str
    source: str
    installed_at: datetime
    kind_label: str
    opens: str
    starts: str
    running: int
    is_on: bool
    conditions: tuple[ConditionLine, ...]
    steps: tuple[StepLine, ...]
    pauses: tuple[PauseLine, ...]
    earlier: tuple[str, ...]


def protocols(actor: Actor) -> tuple[ProtocolView, ...]:
    """Every protocol in its current version, by title. Refuses: Forbidden."""
    if not actor.may(READ):
        raise Forbidden
    return tuple(_view(stored) for stored in StoredProtocol.objects.filter(retired_at=None).order_by("title"))


def get_protocol(actor: Actor, *, code: str) -> ProtocolView:
    """One protocol in its current version. Refuses: Forbidden, NotFound."""
    if not actor.may(READ):
        raise Forbidden
    stored = StoredProtocol.objects.filter(code=code, retired_at=None).first()
    if stored is None:
        raise NotFound
    return _view(stored)


def _view(stored: StoredProtocol) -> ProtocolView:
    protocol = read_protocol(stored.definition)
    pauses = list(ProtocolPause.objects.filter(code=stored.code).order_by("-since_at", "-pk")[:10])
    kind = kind_of(protocol.opens.kind)
    earlier = StoredProtocol.objects.filter(code=stored.code, retired_at__isnull=False).order_by("-installed_at")
    return ProtocolView(
        code=stored.code,
        title=stored.title,
        version=stored.version,
        source=protocol.source,
        installed_at=stored.installed_at,
        kind_label=kind.label,
        opens=protocol.opens.title.format(day="…"),
        starts=anchor_words(protocol.criteria.anchor),
        running=Enrolment.objects.filter(protocol__code=stored.code, voided_at=None, loop__state="open").count(),
        is_on=all(pause.ended_at is not None for pause in pauses),
        conditions=tuple(
            ConditionLine(not_when=in_words(one.otherwise), asks=node_words(one.holds))
            for one in protocol.criteria.conditions
        ),
        steps=_steps(protocol),
        pauses=tuple(
            PauseLine(
                since_at=pause.since_at,
                reason=pause.reason,
                by_name=pause.by_name,
                ended_at=pause.ended_at,
                ended_by_name=pause.ended_by_name,
            )
            for pause in pauses
        ),
        earlier=tuple(earlier.values_list("version", flat=True)),
    )


def _steps(protocol: Protocol) -> tuple[StepLine, ...]:
    kind = kind_of(protocol.opens.kind)
    return tuple(
        StepLine(
            step=plan.step.format(name="…"),
            allowed=str(plan.allowance(Complexity.MODERATE)),
            allowed_high=str(plan.allow_high) if plan.allow_high != plan.allow else "",
            proved_by=kind.evidence_label(plan.evidence),
        )
        for plan in protocol.opens.clocks
    )
