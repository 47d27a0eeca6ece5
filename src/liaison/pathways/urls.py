"""The addresses of protocols and follow-ups."""

from __future__ import annotations

from django.urls import path

from liaison.pathways import views

app_name = "pathways"

urlpatterns = [
    path("protocols/", views.protocols, name="protocols"),
    path("protocols/<slug:protocol_code>/", views.protocol, name="protocol"),
    path("protocols/<slug:protocol_code>/off/", views.turn_off, name="turn_off"),
    path("protocols/<slug:protocol_code>/on/", views.turn_on, name="turn_on"),
    path("follow-ups/visit/", views.visit_elsewhere, name="visit_elsewhere"),
    path("follow-ups/medicines/", views.reconcile, name="reconcile"),
    path("follow-ups/<int:enrolment_id>/", views.follow_up, name="follow_up"),
    path("follow-ups/<int:enrolment_id>/strike/", views.strike, name="strike"),
    path("follow-ups/<int:enrolment_id>/complexity/", views.complexity, name="complexity"),
]
