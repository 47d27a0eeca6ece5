"""The addresses of follow-ups."""

from __future__ import annotations

from django.urls import path

from liaison.pathways import views

app_name = "pathways"

urlpatterns = [
    path("follow-ups/<int:enrolment_id>/", views.follow_up, name="follow_up"),
    path("follow-ups/<int:enrolment_id>/complexity/", views.complexity, name="complexity"),
]
