"""What the patient is told about a series: one message that lists the visits, with one event for their calendar.

The event is a weekly rule with exceptions (RFC 5545): mail programs read one invitation as one event, and RFC 5546
wants one UID in a request. A day without a visit is excluded; a visit at another time names the start it stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from django.conf import settings

from liaison.core.actor import Actor
from liaison.inbox.actions import queue_message
from liaison.inbox.ports import AttachmentContent, Channel, MessageToSend, is_connected
from liaison.scheduling.actions.telling import invitation_of, where_to_be
from liaison.scheduling.models import Appointment, Series, SeriesVisit
from liaison.scheduling.ports import Invitation, Method, Recurrence, invitation_writers
from liaison.scheduling.rules import rule_text

TEMPLATES: Final = {"booked": "series-confirmation", "moved": "series-moved", "cancelled": "series-cancelled"}


def tell_of_series(*, actor: Actor, series: Series, what: str, appointment_ids: Sequence[int], now: datetime) -> None:
    """Queue the one message about what was booked, moved or cancelled together. A move lists all that lie ahead.

    Says nothing where it can be of no use: all of it is past, the patient died, nothing carries mail.
    """
    rows = _rows(series)
    changed = [row.appointment for row in rows if row.appointment and row.appointment_id in set(appointment_ids)]
    standing = [row.appointment for row in rows if row.appointment and row.appointment.expects_patient]
    listed = sorted((standing if what == "moved" else changed), key=lambda one: one.start_at)
    listed = [one for one in listed if one.start_at > now]
    if not listed or series.patient.is_deceased or not is_connected(Channel.EMAIL):
        return
    key = f"series:{series.pk}:{series.version}:{TEMPLATES[what]}"
    site = series.site
    queue_message(
        actor,
        patient=series.patient,
        message=MessageToSend(
            template=TEMPLATES[what],
            context={
                "visits": tuple(one.local_start.replace(tzinfo=None) for one in listed),
                "date": listed[0].visit_on,
                **where_to_be(series.patient, site=site, modality=listed[0].modality),
                "phone": site.number_to_call() or settings.LIAISON_ORGANIZATION,
            },
            attachments=_files(series, rows, now=now),
            expires_at=listed[0].start_at,
            matter=f"series:{series.ical_uid}@{listed[0].start_at.isoformat()}",
        ),
        idempotency_key=key,
        loop=series.loop,
        now=now,
    )
    series.visits.filter(appointment__in=[one.pk for one in listed]).update(told_key=key)


def series_invitation(series: Series, rows: Sequence[SeriesVisit], *, now: datetime) -> Invitation | None:
    """The whole series as one event as it stands now; None where none of its visits was ever one of that event.

    With no visit left it says that the event is off.
    """
    known = [row for row in rows if row.is_in_event and row.appointment is not None]
    if not known or known[0].appointment is None:
        return None
    standing = {row.position: row.appointment for row in known if _stands(row.appointment)}
    last = max(standing, default=known[-1].position)
    first = rows[0]
    model = invitation_of(known[0].appointment, method=Method.REQUEST if standing else Method.CANCEL, now=now)
    lasting = known[0].appointment.visit_type.duration
    of_the_rule = [row for row in rows if row.position <= last]
    plain = replace(
        model,
        uid=series.ical_uid,
        sequence=series.ical_sequence,
        start_at=first.rule_at,
        end_at=first.rule_at + lasting,
        recurs_at=None,
    )
    others = tuple(
        invitation_of(appointment, method=model.method, now=now)
        for row in of_the_rule
        if (appointment := standing.get(row.position)) is not None
        and (appointment.start_at, appointment.end_at) != (row.rule_at, row.rule_at + lasting)
    )
    pattern = replace(series.pattern, count=last, until=None)
    return replace(
        plain,
        recurrence=Recurrence(
            rule=rule_text(pattern, zone=plain.zone),
            last_at=of_the_rule[-1].rule_at,
            excluded=tuple(row.rule_at for row in of_the_rule if row.position not in standing) if standing else (),
            others=others,
        ),
    )


def _stands(appointment: Appointment | None) -> bool:
    return appointment is not None and appointment.cancelled_at is None


def _rows(series: Series) -> list[SeriesVisit]:
    return list(
        series.visits.select_related(
            "appointment__patient", "appointment__site", "appointment__visit_type", "series"
        ).order_by("position")
    )


def _files(series: Series, rows: Sequence[SeriesVisit], *, now: datetime) -> tuple[AttachmentContent, ...]:
    invitation = series_invitation(series, rows, now=now)
    if invitation is None:
        return ()
    return tuple(
        AttachmentContent(
            name="appointments.ics", media_type=writer.media_type(invitation), content=writer.write(invitation)
        )
        for writer in invitation_writers()
    )
