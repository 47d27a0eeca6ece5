"""Where patients are found, kept right, merged and opened in an emergency."""

from django.urls import path

from liaison.patients.views import around, details, finding, glass, twice

app_name = "patients"
_ONE = "patients/<int:patient_id>"
urlpatterns = [
    path("patients/", finding.search, name="search"),
    path("patients/new/", finding.new, name="new"),
    path("patients/new/alike/", finding.alike, name="alike"),
    path("patients/duplicates/", twice.duplicates, name="duplicates"),
    path("patients/duplicates/<int:candidate_id>/apart/", twice.keep_apart, name="keep_apart"),
    path("patients/merge/<int:left_id>/<int:right_id>/", twice.merge, name="merge"),
    path("patients/merges/<int:merge_id>/undo/", twice.unmerge, name="unmerge"),
    path("patients/break-glass/", glass.break_glass, name="break_glass"),
    path("patients/grants/", glass.grants, name="grants"),
    path("patients/grants/<int:grant_id>/review/", glass.review, name="review"),
    path("patients/grants/<int:grant_id>/end/", glass.end_grant, name="end_grant"),
    path(f"{_ONE}/edit/", details.edit, name="edit"),
    path(f"{_ONE}/names/new/", details.name, name="name"),
    path(f"{_ONE}/identifiers/new/", details.identifier, name="identifier"),
    path(f"{_ONE}/identifiers/<int:identifier_id>/retire/", details.identifier_retire, name="identifier_retire"),
    path(f"{_ONE}/sites/new/", details.site, name="site"),
    path(f"{_ONE}/deceased/", details.deceased, name="deceased"),
    path(f"{_ONE}/contacts/new/", around.contact, name="contact_new"),
    path(f"{_ONE}/contacts/<int:contact_point_id>/", around.contact, name="contact"),
    path(f"{_ONE}/contacts/<int:contact_point_id>/bad/", around.contact_state, {"state": "bad"}, name="contact_bad"),
    path(f"{_ONE}/contacts/<int:contact_point_id>/good/", around.contact_state, {"state": "good"}, name="contact_good"),
    path(
        f"{_ONE}/contacts/<int:contact_point_id>/retire/",
        around.contact_state,
        {"state": "retired"},
        name="contact_retire",
    ),
    path(f"{_ONE}/proxies/new/", around.proxy, name="proxy_new"),
    path(f"{_ONE}/proxies/<int:proxy_id>/end/", around.proxy_end, name="proxy_end"),
    path(f"{_ONE}/alerts/new/", around.alert, name="alert_new"),
    path(f"{_ONE}/alerts/<int:alert_id>/end/", around.alert_end, name="alert_end"),
    path(f"{_ONE}/team/new/", around.member, name="member_new"),
    path(f"{_ONE}/team/<int:member_id>/end/", around.member_end, name="member_end"),
]
