"""Visits that took place after a hospital stay and were booked before anybody knew of it: somebody has counted them."""

from __future__ import annotations

from liaison.demo.office import Office
from liaison.demo.staff import Staffed
from liaison.pathways.models import Enrolment
from liaison.pathways.queries import get_follow_up, may_be_the_visit
from liaison.scheduling.actions import serve_loop
from liaison.scheduling.models import Appointment
from liaison.scheduling.ports import State


def count_visits_after_stays(staffed: Staffed, *, office: Office) -> None:
    """Say of each follow-up which visit was the one, where one took place in its time; those ahead are left to find."""
    supervisors = {
        site.pk: staffed.who(staffed.working_at(code, "supervisor")[0]) for code, site in staffed.sites.items()
    }
    for enrolment in Enrolment.objects.filter(voided_at=None, loop__state="open").select_related("loop").order_by("pk"):
        who = supervisors[enrolment.loop.site_id]
        view = get_follow_up(who, enrolment_id=enrolment.pk, now=office.now)
        took_place = [one for one in may_be_the_visit(who, view=view) if one.state is State.FULFILLED]
        if took_place:
            visit = Appointment.objects.select_related("patient").get(pk=took_place[0].appointment_id)
            serve_loop(actor=who, appointment=visit, loop_id=enrolment.loop_id, now=office.at_work)
