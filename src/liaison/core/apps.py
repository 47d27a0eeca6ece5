"""Core as a Django application; it also imports what packages register once all models exist."""

from importlib import import_module
from importlib.util import find_spec

from django.apps import AppConfig, apps


class CoreConfig(AppConfig):
    """Audit, presence and the wiring of reactions and topics."""

    name = "liaison.core"
    label = "core"

    def ready(self) -> None:
        """Import `access`, `reactions` and `topics` of every package, so that what they declare is registered."""
        for config in apps.get_app_configs():
            if not config.name.startswith("liaison."):
                continue
            for part in ("access", "reactions", "topics"):
                if find_spec(f"{config.name}.{part}"):
                    import_module(f"{config.name}.{part}")
