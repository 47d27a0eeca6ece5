"""Invitations as iCalendar files, by the library `icalendar`."""

from datetime import datetime, timedelta
from typing import Final

from icalendar import Calendar, Event, Timezone, vCalAddress, vRecur, vText

from liaison.scheduling.ports import Invitation, Method

_PRODUCT: Final = "-//Liaison//Patient care coordination//EN"
_AROUND: Final = timedelta(days=370)
"""How far before and after the event the time zone is described: one change of the clock each way at least."""


class ICalendarWriter:
    """Writes `METHOD:REQUEST` for what stands and `METHOD:CANCEL` for what does not."""

    def media_type(self, invitation: Invitation) -> str:
        """`text/calendar` with the method and character set that mail programs go by."""
        return f"text/calendar; method={invitation.method}; charset=UTF-8"

    def write(self, invitation: Invitation) -> bytes:
        """The file: CRLF line ends, lines folded at 75 octets, the zone described in it."""
        calendar = Calendar()
        calendar.add("prodid", _PRODUCT)
        calendar.add("version", "2.0")
        calendar.add("calscale", "GREGORIAN")
        calendar.add("method", invitation.method.value)
        calendar.add_component(_zone(invitation))
        calendar.add_component(_event(invitation))
        if invitation.recurrence is not None:
            for other in invitation.recurrence.others:
                calendar.add_component(_event(other))
        return bytes(calendar.to_ical())


def _zone(invitation: Invitation) -> Timezone:
    """The zone's rules around the event, without the library's remark in English."""
    zone = Timezone.from_tzinfo(
        invitation.zone,
        first_date=(invitation.start_at - _AROUND).astimezone(invitation.zone).date(),
        last_date=(_last_end(invitation) + _AROUND).astimezone(invitation.zone).date(),
    )
    zone.pop("COMMENT", None)
    return zone


def _last_end(invitation: Invitation) -> datetime:
    """The latest time that the file names."""
    recurrence = invitation.recurrence
    if recurrence is None:
        return invitation.end_at
    return max(invitation.end_at, recurrence.last_at, *(other.end_at for other in recurrence.others))


def _event(invitation: Invitation) -> Event:
    event = Event()
    event.add("uid", invitation.uid)
    event.add("sequence", invitation.sequence)
    event.add("dtstamp", invitation.stamped_at)
    event.add("dtstart", invitation.start_at.astimezone(invitation.zone))
    event.add("dtend", invitation.end_at.astimezone(invitation.zone))
    if invitation.recurs_at is not None:
        event.add("recurrence-id", invitation.recurs_at.astimezone(invitation.zone))
    if invitation.recurrence is not None:
        event.add("rrule", vRecur.from_ical(invitation.recurrence.rule))
        for start in invitation.recurrence.excluded:
            event.add("exdate", start.astimezone(invitation.zone))
    event.add("summary", invitation.summary, parameters={"LANGUAGE": invitation.language})
    event.add("location", invitation.where)
    event.add("class", "PRIVATE")
    event.add("transp", "OPAQUE")
    event.add("status", "CANCELLED" if invitation.method is Method.CANCEL else "CONFIRMED")
    event.add("organizer", _address(invitation.organizer_email, name=invitation.organizer_name))
    if invitation.attendee_email:
        event.add("attendee", _attendee(invitation.attendee_email))
    if invitation.url:
        event.add("url", invitation.url)
    return event


def _address(email: str, *, name: str = "") -> vCalAddress:
    address = vCalAddress(f"mailto:{email}")
    if name:
        address.params["CN"] = vText(name)
    return address


def _attendee(email: str) -> vCalAddress:
    address = _address(email)
    address.params["CUTYPE"] = vText("INDIVIDUAL")
    address.params["ROLE"] = vText("REQ-PARTICIPANT")
    address.params["PARTSTAT"] = vText("NEEDS-ACTION")
    address.params["RSVP"] = vText("TRUE")
    return address
