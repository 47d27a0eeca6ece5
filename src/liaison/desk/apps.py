"""Django's name for this package."""

from django.apps import AppConfig


class DeskConfig(AppConfig):
    """The desk, the patient's page, the board and the palette."""

    name = "liaison.desk"
    label = "desk"

    def ready(self) -> None:
        """Offer our places, and serve every page's frame."""
        from liaison.core.places import register_frame, register_places
        from liaison.desk.places import FRAME, PLACES

        register_places(*PLACES)
        register_frame(**FRAME)
