"""Finding a patient by whatever someone remembers of them.

Three ways, the surest first: what is exactly one thing (an identifier, a phone number, an e-mail address), what
the words are or begin with, and words with a slip in them. Each is one indexed query; ranking is done on at most
`CANDIDATES` rows a way, in Python, where it can be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db.models import Prefetch, Q, QuerySet

from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import NotFound, Refusal
from liaison.core.verbs import Verb
from liaison.patients import rules
from liaison.patients.models import ContactKind, ContactPoint, Identifier, IdentifierKind, Patient

CANDIDATES: Final = 120
"""Rows of each way that are looked at and ranked."""

ENOUGH: Final = 8
"""Names that fit as typed; with fewer, those with a slip are looked for too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientHit:
    """One line of the search. `matched` says by what: "identifier", "phone", "email", "birth date", "name", "like"."""

    patient_id: int
    name: str
    listed_name: str
    called_as: str
    birth_on: date | None
    sex: str
    is_deceased: bool
    deceased_on: date | None
    spoken_language: str
    interpreter_needed: bool
    mrn: str
    phone: str
    matched: str
    score: float

    @property
    def language(self) -> str:
        """The name of the language they speak, when an interpreter is needed."""
        return rules.language_name(self.spoken_language) if self.interpreter_needed else ""


def search(
    actor: Actor, *, text: str, now: datetime, limit: int = 20, verb: Verb | None = None
) -> Sequence[PatientHit]:
    """The patients that `text` may mean, the best first: by name (slips, accents, any order), birth date in any
    usual form, identifier, phone number (the last seven digits will do) or e-mail; what is given together narrows.
    With `verb`, those on whom the actor may use it; without, those they may see.
    """
    asked = rules.read_query(text, today=now.astimezone(actor.zone).date())
    if asked.is_empty:
        return []
    visible = Patient.objects.current().visible_one_by_one(actor, verb, now=now)
    found: dict[int, tuple[float, str]] = {}
    for patient_id, matched in _exactly(visible, asked):
        found.setdefault(patient_id, (2.0, matched))
    if not found or asked.words or asked.birth_dates:
        for patient_id, score, matched in _by_name(visible, asked, limit=limit):
            if patient_id not in found or found[patient_id][0] < score:
                found[patient_id] = (score, matched)
    best = sorted(found, key=lambda pk: -found[pk][0])[: limit * 2]
    return _shown(best, found)[:limit]


class SeveralFit(Refusal):
    """What was typed means more than one patient whom the asker can't see; how many, is not told."""

    code = "patients.several_fit"
    sentence = "That alone does not say which chart. Add the record number, or the phone number they gave."


def find_behind_glass(
    actor: Actor, *, identifier: str = "", name: str = "", birth_on: date | None = None, phone: str = "", now: datetime
) -> Patient | None:
    """The one patient that an exact identifier, or a whole name with the birth date, means and `actor` can't see.

    What is given together narrows; a phone number decides between several and finds nobody by itself. None when
    nobody fits: whoever asks learns nothing but that, and the read is audited. Refuses: SeveralFit.
    """
    hidden = Patient.objects.current()
    key, words = rules.identifier_key(identifier), rules.name_words(name)
    by_name = len(words) > 1 and birth_on is not None
    if not key and not by_name:
        return None
    if key:
        hidden = hidden.filter(pk__in=Identifier.objects.filter(value_key=key).values("patient"))
    if by_name:
        whole = [patient.pk for patient in hidden.filter(birth_on=birth_on) if set(words) <= _words(patient)]
        hidden = hidden.filter(pk__in=whole)
    if phone.strip():
        line = ContactPoint.objects.filter(kind=ContactKind.PHONE, value_key=rules.phone_key(phone))
        hidden = hidden.filter(pk__in=line.values("patient"))
    found = [patient for patient in hidden[:CANDIDATES] if not patient.reachable_by(actor, now=now)]
    seen(patient.pk for patient in found)
    if len(found) > 1:
        raise SeveralFit
    return found[0] if found else None


def found_behind_glass(actor: Actor, *, patient_id: int, found_by: int | None) -> Patient:
    """The patient that `find_behind_glass` found for this actor a moment ago (`found_by`: the user id then).

    Refuses: NotFound (somebody else found them, or they were merged since).
    """
    patient = Patient.objects.current().filter(pk=patient_id).first()
    if patient is None or found_by != actor.user_id:
        raise NotFound
    return patient


def _words(patient: Patient) -> set[str]:
    return set(patient.search_text.split())


def _exactly(visible: QuerySet[Patient], asked: rules.Asked) -> Iterable[tuple[int, str]]:
    """Ids by what can mean only one patient or a household; each a lookup in its own index."""
    if asked.identifiers:
        ids = list(Identifier.objects.filter(value_key__in=asked.identifiers).values_list("patient", flat=True)[:50])
        yield from ((pk, "identifier") for pk in _those(visible, ids))
    lines = Q(kind=ContactKind.PHONE, value_key__in=asked.phones) if asked.phones else Q(pk__in=[])
    if asked.phone_end:
        lines |= Q(kind=ContactKind.PHONE, value_key__contains=asked.phone_end)
    if asked.phones or asked.phone_end:
        ids = list(ContactPoint.objects.filter(lines).values_list("patient", flat=True)[:50])
        yield from ((pk, "phone") for pk in _those(visible, ids))
    if asked.email:
        mails = ContactPoint.objects.filter(kind=ContactKind.EMAIL, value_key=asked.email)
        yield from ((pk, "email") for pk in _those(visible, list(mails.values_list("patient", flat=True)[:50])))


def _those(visible: QuerySet[Patient], ids: list[int]) -> Iterable[int]:
    return visible.filter(pk__in=ids).values_list("pk", flat=True) if ids else ()


def _by_name(visible: QuerySet[Patient], asked: rules.Asked, *, limit: int) -> Iterable[tuple[int, float, str]]:
    """Ids with a score, by words and birth date together; a birth date alone finds everyone born then."""
    narrowed = _narrowed(visible, asked)
    if not asked.words:
        if asked.birth_dates:
            day = list(narrowed.values_list("pk", "birth_on")[:CANDIDATES])
            yield from ((pk, 1.0 - asked.birth_dates.index(born) / 10, "birth date") for pk, born in day if born)
        return
    good = 0
    seen_ids: set[int] = set()
    for ways in (_whole_words, _beginnings, _slips):
        for pk, names in narrowed.filter(ways(asked.words)).values_list("pk", "search_text")[:CANDIDATES]:
            score = rules.rank_name(asked.words, search_text=names)
            if score and pk not in seen_ids:
                seen_ids.add(pk)
                good += 1
                yield pk, score, "name" if score >= 0.94 else "like"
        if good >= min(limit, ENOUGH) and ways is not _whole_words:
            return


def _narrowed(visible: QuerySet[Patient], asked: rules.Asked) -> QuerySet[Patient]:
    if asked.birth_dates:
        visible = visible.filter(birth_on__in=asked.birth_dates)
    if asked.birth_year is not None:
        first, last = date(asked.birth_year, 1, 1), date(asked.birth_year, 12, 31)
        visible = visible.filter(birth_on__range=(first, last))
    return visible.order_by()


def _whole_words(words: Sequence[str]) -> Q:
    return _all(Q(search_text__contains=f" {word} ") for word in words)


def _beginnings(words: Sequence[str]) -> Q:
    return _all(Q(search_text__contains=f" {word}") for word in words)


def _slips(words: Sequence[str]) -> Q:
    return _all(Q(search_keys__overlap=sorted(rules.slip_keys(word))) for word in words)


def _all(conditions: Iterable[Q]) -> Q:
    together = Q()
    for condition in conditions:
        together &= condition
    return together


def _shown(ids: Sequence[int], found: dict[int, tuple[float, str]]) -> Sequence[PatientHit]:
    """The lines, in order of score, then name, then age."""
    numbers = Identifier.objects.filter(kind=IdentifierKind.MRN, retired_at__isnull=True)
    phones = ContactPoint.objects.current().filter(kind=ContactKind.PHONE, confidential=False)
    rows = Patient.objects.filter(pk__in=ids).prefetch_related(
        Prefetch("identifiers", queryset=numbers, to_attr="shown_numbers"),
        Prefetch("contact_points", queryset=phones, to_attr="shown_phones"),
    )
    hits = [_hit(row, *found[row.pk]) for row in rows]
    seen(hit.patient_id for hit in hits)
    return sorted(hits, key=lambda hit: (-hit.score, hit.listed_name.lower(), hit.birth_on or date.max, hit.patient_id))


def _hit(row: Patient, score: float, matched: str) -> PatientHit:
    numbers: list[Identifier] = getattr(row, "shown_numbers", [])
    phones: list[ContactPoint] = getattr(row, "shown_phones", [])
    return PatientHit(
        patient_id=row.pk,
        name=row.display_name,
        listed_name=row.listed_name,
        called_as=row.called_as if row.called_as != row.given else "",
        birth_on=row.birth_on,
        sex=row.sex,
        is_deceased=row.is_deceased,
        deceased_on=row.deceased_on,
        spoken_language=row.spoken_language,
        interpreter_needed=row.interpreter_needed,
        mrn=numbers[0].value if numbers else "",
        phone=rules.shown_phone(phones[0].value_key) if phones else "",
        matched=matched,
        score=score,
    )
