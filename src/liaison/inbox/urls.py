"""The addresses of messages, calls and notes."""

from django.urls import path

from liaison.inbox import views

app_name = "inbox"
urlpatterns = [
    path("calls/new/", views.call, name="call"),
    path("calls/next-try/", views.next_try, name="next_try"),
    path("calls/<int:call_id>/", views.call_shown, name="call_shown"),
    path("calls/<int:call_id>/strike/", views.call_strike, name="call_strike"),
    path("notes/new/", views.note, name="note"),
    path("notes/<int:note_id>/", views.note_shown, name="note_shown"),
    path("notes/<int:note_id>/add/", views.note_add, name="note_add"),
    path("notes/<int:note_id>/strike/", views.note_strike, name="note_strike"),
    path("patients/<int:patient_id>/reach/", views.reach, name="reach"),
    path("messages/", views.messages, name="messages"),
    path("messages/new/", views.compose, name="compose"),
    path("messages/preview/", views.preview, name="preview"),
    path("messages/templates/", views.templates, name="templates"),
    path("messages/templates/<slug:code>/", views.template, name="template"),
    path("messages/templates/<slug:code>/restore/", views.template_restore, name="template_restore"),
    path("messages/unmatched/", views.unmatched, name="unmatched"),
    path("messages/unmatched/<int:mail_id>/match/", views.match, name="match"),
    path("messages/unmatched/<int:mail_id>/put-away/", views.put_away, name="put_away"),
    path("messages/<int:message_id>/", views.message, name="message"),
    path("messages/<int:message_id>/cancel/", views.cancel, name="cancel"),
    path("messages/<int:message_id>/arrived/", views.arrived, name="arrived"),
    path("messages/<int:message_id>/not-arrived/", views.not_arrived, name="not_arrived"),
    path("messages/<int:message_id>/again/", views.again, name="again"),
    path("demo/mailbox/", views.demo_mailbox, name="demo_mailbox"),
    path("demo/mailbox/<str:name>/", views.demo_mail, name="demo_mail"),
]
