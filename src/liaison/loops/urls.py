"""The addresses at which a loop is changed (the desk shows it), and those of closed days."""

from django.urls import path

from liaison.loops.views import changing as views
from liaison.loops.views import holidays

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
    path("holidays/", holidays.overview, name="holidays"),
    path("holidays/<int:holiday_id>/remove/", holidays.remove, name="remove_holiday"),
    path("holidays/again/", holidays.add_again, name="add_holiday_again"),
]
