"""Addresses of scheduling."""

from django.urls import path

from liaison.scheduling.views import (
    answering,
    appointments,
    arranging,
    attending,
    booking,
    calendar,
    flow,
    offering,
    readiness,
    waiting,
)

app_name = "scheduling"

urlpatterns = [
    path("book/", booking.book, name="book"),
    path("calendar/", calendar.day, name="day"),
    path("appointments/<int:appointment_id>/", appointments.appointment, name="appointment"),
    path("appointments/<int:appointment_id>/move/", booking.move, name="move"),
    path("appointments/<int:appointment_id>/cancel/", appointments.cancel, name="cancel"),
    path("appointments/<int:appointment_id>/barrier/", attending.barrier, name="barrier"),
    path("appointments/<int:appointment_id>/late/<slug:answer>/", attending.late, name="late"),
    path("appointments/<int:appointment_id>/<slug:step>/", attending.attend, name="attend"),
    path("flow/", flow.board, name="flow"),
    path("readiness/", readiness.board, name="readiness"),
    path("waitlist/", waiting.waitlist, name="waitlist"),
    path("waitlist/join/", waiting.join, name="join"),
    path("waitlist/report/", waiting.report, name="waitlist_report"),
    path("waitlist/<int:entry_id>/", waiting.wait, name="wait"),
    path("waitlist/<int:entry_id>/change/", waiting.change, name="change_wait"),
    path("waitlist/<int:entry_id>/stay/", waiting.stay, name="stay"),
    path("waitlist/<int:entry_id>/leave/", waiting.leave, name="leave"),
    path("waitlist/times/new/", offering.name_a_time, name="opening_new"),
    path("waitlist/times/<int:opening_id>/", offering.opening, name="opening"),
    path("waitlist/times/<int:opening_id>/offer/", offering.offer, name="offer"),
    path("waitlist/times/<int:opening_id>/offer-several/", offering.offer_several, name="offer_several"),
    path("waitlist/offers/<int:offer_id>/<slug:said>/", offering.heard, name="offer_said"),
    path("offer/<str:token>/", answering.answer, name="answer"),
    path("calendar/arrange/", arranging.overview, name="arrange"),
    path("calendar/arrange/visit-types/new/", arranging.visit_type, name="visit_type_new"),
    path("calendar/arrange/visit-types/<int:visit_type_id>/", arranging.visit_type, name="visit_type"),
    path("calendar/arrange/resources/new/", arranging.resource, name="resource_new"),
    path("calendar/arrange/resources/<int:resource_id>/", arranging.resource, name="resource"),
    path("calendar/arrange/resources/<int:resource_id>/hours/", arranging.hours, name="hours"),
    path("calendar/arrange/resources/<int:resource_id>/close/", arranging.close, name="close_resource"),
    path("calendar/arrange/resources/<int:resource_id>/retire/", arranging.retire, name="retire"),
    path("calendar/arrange/sites/<int:site_id>/close/", arranging.close_site, name="close_site"),
    path("calendar/arrange/closures/<int:closure_id>/open/", arranging.reopen, name="open_closure"),
]
