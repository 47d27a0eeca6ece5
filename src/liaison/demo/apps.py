"""The demonstration clinic as a Django application (it has no tables)."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """Nothing to set up: the `liaison` command builds the clinic."""

    name = "liaison.demo"
    label = "demo"
