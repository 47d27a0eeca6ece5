"""The addresses at which a loop is changed; the desk shows it."""

from django.urls import path

from liaison.loops import views

app_name = "loops"
urlpatterns = [
    path("loops/<int:loop_id>/take/", views.take, name="take"),
    path("loops/<int:loop_id>/assign/", views.assign, name="assign"),
    path("loops/<int:loop_id>/snooze/", views.snooze, name="snooze"),
    path("loops/<int:loop_id>/wake/", views.wake, name="wake"),
    path("loops/<int:loop_id>/step/", views.step, name="step"),
    path("loops/<int:loop_id>/step-done/", views.step_done, name="step_done"),
    path("loops/<int:loop_id>/priority/", views.priority, name="priority"),
    path("loops/<int:loop_id>/evidence/", views.evidence, name="evidence"),
    path("loops/<int:loop_id>/close/", views.close, name="close"),
    path("loops/<int:loop_id>/give-up/", views.give_up, name="give_up"),
    path("loops/<int:loop_id>/acknowledge/", views.acknowledge, name="acknowledge"),
    path("loops/<int:loop_id>/undo/", views.undo, name="undo"),
    path("hand-over/", views.hand_over_desk, name="hand_over"),
    path("hand-over/<int:hand_over_id>/end/", views.end, name="end_hand_over"),
]
