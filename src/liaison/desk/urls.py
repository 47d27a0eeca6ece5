"""Where the desk, the patient's page, the board and the palette live."""

from django.urls import path

from liaison.desk import views

app_name = "desk"
urlpatterns = [
    path("", views.home, name="home"),
    path("loops/<int:loop_id>/", views.loop, name="loop"),
    path("patients/<int:patient_id>/", views.patient, name="patient"),
    path("patients/<int:patient_id>/timeline/", views.timeline, name="timeline"),
    path("board/", views.board, name="board"),
    path("board/column/", views.column, name="column"),
    path("palette/", views.palette, name="palette"),
    path("presence/", views.presence, name="presence"),
    path("presence/gone/", views.gone, name="presence_gone"),
]
