"""The addresses of referrals."""

from django.urls import path

from liaison.orders import views

app_name = "orders"
urlpatterns = [
    path("patients/<int:patient_id>/refer/", views.refer, name="refer"),
    path("patients/<int:patient_id>/refer/targets/", views.targets, name="targets"),
    path("referrals/", views.referrals, name="referrals"),
    path("referrals/drafts/<int:draft_id>/", views.draft, name="draft"),
    path("referrals/<int:referral_id>/", views.referral, name="referral"),
    path("referrals/<int:referral_id>/steps/<int:step_id>/undo/", views.undo, name="undo"),
    path("referrals/<int:referral_id>/<slug:move>/", views.move_on, name="move"),
]
