"""Django's name for this package."""

from django.apps import AppConfig


class DeskConfig(AppConfig):
    """The desk, the patient's page, the board and the palette."""

    name = "liaison.desk"
    label = "desk"
