"""The Django app that holds the directory."""

from django.apps import AppConfig


class DirectoryConfig(AppConfig):
    """Practitioners, organizations and specialties."""

    name = "liaison.directory"
    label = "directory"
    verbose_name = "Directory"

    def ready(self) -> None:
        """Offer our places."""
        from liaison.core.places import register_places
        from liaison.directory.places import PLACES

        register_places(*PLACES)
