"""How many anchors a protocol found, how many it follows, and why not the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden
from liaison.pathways.access import EVALUATE
from liaison.pathways.models import Enrolment
from liaison.pathways.queries.candidates import judged_anchors
from liaison.pathways.rules.protocol import packaged_protocols, read_protocol
from liaison.pathways.rules.reasons import in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """One protocol at one moment: anchors found in all, followed by a loop, not fitting by reason."""

    protocol: str
    title: str
    found: int
    followed: int
    not_fitting: Mapping[str, int]

    @property
    def too_old(self) -> int:
        """Those of the long past, for which nothing is opened."""
        return self.not_fitting.get("too_old", 0)


def outlook(actor: Actor, *, now: datetime, patient_ids: Sequence[int] | None = None) -> tuple[Outlook, ...]:
    """What each packaged protocol says of these patients, or of everybody. Refuses: Forbidden. Counts only."""
    if not actor.may(EVALUATE):
        raise Forbidden
    found = []
    for data in packaged_protocols():
        protocol = read_protocol(data)
        judged = judged_anchors(protocol.criteria, now=now, patient_ids=patient_ids)
        reasons = Counter(
            protocol.criteria.conditions[one.failed].otherwise for one in judged if one.failed is not None
        )
        passing = [one.resource_id for one in judged if one.failed is None]
        followed = Enrolment.objects.filter(protocol__code=protocol.code, anchor_id__in=passing, voided_at=None).count()
        found.append(
            Outlook(
                protocol=protocol.code,
                title=protocol.title,
                found=len(judged),
                followed=followed,
                not_fitting=dict(sorted(reasons.items())),
            )
        )
    return tuple(found)


def told(seen: Outlook) -> tuple[str, ...]:
    """An outlook as lines for a person, as an import says them."""
    lines = [f"{seen.title}: {seen.found} found, {seen.followed} followed by an open or ended loop"]
    lines += [f"  {count} not: {in_words(reason)}" for reason, count in seen.not_fitting.items()]
    return tuple(lines)
