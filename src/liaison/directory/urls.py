"""Where the directory is looked up and kept right."""

from django.urls import path

from liaison.directory import views

app_name = "directory"
urlpatterns = [
    path("directory/", views.listing, name="home"),
    path("directory/clinicians/new/", views.practitioner, name="practitioner_new"),
    path("directory/clinicians/<int:practitioner_id>/", views.practitioner, name="practitioner"),
    path("directory/clinicians/<int:practitioner_id>/retire/", views.retire, name="practitioner_retire"),
    path("directory/clinicians/<int:practitioner_id>/offer/", views.offer, name="practitioner_offer"),
    path("directory/places/new/", views.organization, name="organization_new"),
    path("directory/places/<int:organization_id>/", views.organization, name="organization"),
    path("directory/places/<int:organization_id>/retire/", views.retire, name="organization_retire"),
    path("directory/places/<int:organization_id>/offer/", views.offer, name="organization_offer"),
]
