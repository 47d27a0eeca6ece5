"""The addresses of the chart as received."""

from __future__ import annotations

from django.urls import path

from liaison.records import views

app_name = "records"

urlpatterns = [
    path("records/<int:resource_id>/", views.resource, name="resource"),
    path("records/<int:resource_id>/versions/<int:version>/", views.resource, name="version"),
    path("records/<int:resource_id>/file/", views.file, name="file"),
    path("records/<int:resource_id>/take-out/", views.take_out, name="take_out"),
    path("patients/<int:patient_id>/documents/new/", views.file_document, name="file_document"),
]
