"""Who may speak for a patient."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Final

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.live import announce
from liaison.core.numbers import reaches_from_anywhere, written_number
from liaison.core.refusals import NotFound, Refusal
from liaison.patients import access, rules
from liaison.patients.events import ProxiesChanged
from liaison.patients.models import Patient, Proxy, ProxyKind


class ProxyWrong(Refusal):
    """This right can't be recorded like that; `fields` says why."""

    code = "patients.proxy_wrong"
    sentence = "This can't be recorded like that. Correct what is marked and save again."


class ProxyOver(Refusal):
    """The right ended before."""

    code = "patients.proxy_over"
    sentence = "This person no longer speaks for the patient. Look at the list again."
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyDetails:
    """Someone who may speak for a patient. `scope` holds codes of `rules.Scope`; `ends_on` is the first day without."""

    name: str
    relationship: str
    kind: str
    scope: frozenset[str]
    evidence: str
    starts_on: date
    ends_on: date | None = None
    phone: str = ""
    email: str = ""
    language: str = ""


def add_proxy(*, actor: Actor, patient: Patient, proxy: ProxyDetails, now: datetime) -> Proxy:
    """Record who may speak for a patient; whoever records it has seen the evidence.

    A parent's right ends at the eighteenth birthday by itself; consent of an adult needs an end (DOMAIN 8.3). The
    number is kept as people here write it, however it was typed. Refuses: ProxyWrong.
    """
    with act(actor, access.CHANGE_PROXIES, patient=patient, now=now) as entry:
        ends_on = _checked_end(proxy, birth_on=patient.birth_on)
        _check(proxy, patient=patient, today=patient.day_at(now))
        kept = Proxy.objects.create(
            patient=patient,
            name=proxy.name.strip(),
            relationship=proxy.relationship.strip(),
            kind=proxy.kind,
            scope=sorted(proxy.scope),
            phone=written_number(proxy.phone),
            email=proxy.email.strip(),
            language=proxy.language,
            starts_on=proxy.starts_on,
            ends_on=ends_on,
            evidence=proxy.evidence.strip(),
            verified_by_id=actor.user_id,
            verified_at=now,
        )
        entry.about(kept)
        entry.publish(ProxiesChanged(patient_id=patient.pk, proxy_id=kept.pk, at=now))
        announce(topic=f"patient:{patient.pk}", what="proxies-changed")
    return kept


def end_proxy(*, actor: Actor, patient: Patient, proxy_id: int, reason: str, now: datetime) -> Proxy:
    """Someone no longer speaks for the patient, from today on. Refuses: ProxyOver, ProxyWrong without a reason."""
    with act(actor, access.CHANGE_PROXIES, patient=patient, reason=reason, now=now) as entry:
        proxy = patient.proxies.select_for_update().filter(pk=proxy_id).first()
        if proxy is None:
            raise NotFound
        if proxy.ended_at is not None:
            raise ProxyOver
        if not reason.strip():
            raise ProxyWrong(fields={"reason": "Say why: it may be asked later."})
        proxy.end(reason=reason.strip()[:200], on=patient.day_at(now), now=now)
        proxy.save()
        entry.about(proxy)
        entry.publish(ProxiesChanged(patient_id=patient.pk, proxy_id=proxy.pk, at=now))
        announce(topic=f"patient:{patient.pk}", what="proxies-changed")
    return proxy


_NEEDED: Final = MappingProxyType(
    {
        "name": "Give the name.",
        "relationship": "Say who they are to the patient.",
        "evidence": "Say what you saw: a court order, a signed form, a birth certificate.",
    }
)


def _check(proxy: ProxyDetails, *, patient: Patient, today: date) -> None:
    wrong = {name: sentence for name, sentence in _NEEDED.items() if not getattr(proxy, name).strip()}
    if not proxy.scope or not proxy.scope <= rules.FULL_SCOPE:
        wrong["scope"] = "Choose what they may know and do."
    if proxy.phone.strip() and not reaches_from_anywhere(proxy.phone):
        wrong["phone"] = "Give a number with its area code, such as (617) 555-0123."
    adult = rules.tier_on(patient.birth_on, on=today) is rules.Tier.ADULT
    if proxy.kind not in ProxyKind.values:
        wrong["kind"] = "Choose one of the list."
    elif proxy.kind == ProxyKind.PARENT and adult:
        wrong["kind"] = "The patient is an adult: a parent needs their consent or a court's order."
    elif proxy.kind == ProxyKind.EXECUTOR and not patient.is_deceased:
        wrong["kind"] = "An executor speaks for someone who died; the patient is not recorded as deceased."
    elif proxy.kind == ProxyKind.CONSENT and proxy.ends_on is None:
        wrong["ends_on"] = "A consent needs an end; a year is usual."
    if wrong:
        raise ProxyWrong(fields=wrong)


def _checked_end(proxy: ProxyDetails, *, birth_on: date | None) -> date | None:
    if proxy.ends_on is not None and proxy.ends_on <= proxy.starts_on:
        raise ProxyWrong(fields={"ends_on": "The end is not after the start."})
    latest = rules.latest_end_on(proxy.kind, birth_on=birth_on)
    if latest is None:
        return proxy.ends_on
    return max(min(latest, proxy.ends_on or latest), proxy.starts_on)
