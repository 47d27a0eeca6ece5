"""Addresses of sign-in (django-allauth's views), one's own account, people and the audit trail."""

from allauth.account import views as sign_in
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path

from liaison.accounts.views import audit, mine, people, places, session

app_name = "accounts"

urlpatterns = [
    path("account/", mine.mine, name="mine"),
    path("account/session/", session.session, name="session"),
    path("account/sessions/end/", mine.end_one, name="end_session"),
    path("account/again/", session.again, name="again"),
    path("people/", people.people, name="people"),
    path("people/new/", people.person_new, name="person_new"),
    path("people/sites/", people.sites, name="sites"),
    path("people/sites/<int:site_id>/", places.site, name="site"),
    path("people/<int:user_id>/", people.person, name="person"),
    path("people/<int:user_id>/roles/", people.give_role, name="give_role"),
    path("people/<int:user_id>/roles/<int:assignment_id>/end/", people.end_role, name="end_role"),
    path("people/<int:user_id>/teams/", people.set_teams, name="set_teams"),
    path("people/<int:user_id>/close/", people.deactivate, name="deactivate"),
    path("people/<int:user_id>/open/", people.reactivate, name="reactivate"),
    path("people/<int:user_id>/factors/reset/", people.reset_mfa, name="reset_mfa"),
    path("people/<int:user_id>/password/", people.give_password, name="give_password"),
    path("audit/", audit.audit, name="audit"),
    path("audit/export/", audit.audit_export, name="audit_export"),
]

# django-allauth finds its own addresses by these names, outside any namespace (see config/urls.py).
sign_in_patterns = [
    path("login/", sign_in.login, name="account_login"),
    path("logout/", sign_in.logout, name="account_logout"),
    path("inactive/", login_not_required(sign_in.account_inactive), name="account_inactive"),
    path("reauthenticate/", sign_in.reauthenticate, name="account_reauthenticate"),
    path("password/", sign_in.password_change, name="account_change_password"),
    path("password/set/", session.no_self_service, name="account_set_password"),
    path("signup/", session.no_self_service, name="account_signup"),
    path("password/forgotten/", session.no_self_service, name="account_reset_password"),
    path("factors/", include("allauth.mfa.urls")),
]
