"""The Django app that holds the directory."""

from django.apps import AppConfig


class DirectoryConfig(AppConfig):
    """Practitioners, organizations and specialties."""

    name = "liaison.directory"
    label = "directory"
    verbose_name = "Directory"
