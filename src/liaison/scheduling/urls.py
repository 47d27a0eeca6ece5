"""Addresses of scheduling."""

from django.urls import path

from liaison.scheduling.views import appointments, arranging, booking, calendar

app_name = "scheduling"

urlpatterns = [
    path("book/", booking.book, name="book"),
    path("calendar/", calendar.day, name="day"),
    path("appointments/<int:appointment_id>/", appointments.appointment, name="appointment"),
    path("appointments/<int:appointment_id>/move/", booking.move, name="move"),
    path("appointments/<int:appointment_id>/cancel/", appointments.cancel, name="cancel"),
    path("appointments/<int:appointment_id>/<slug:step>/", appointments.attend, name="attend"),
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
