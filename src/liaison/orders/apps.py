"""The Django app that holds orders."""

from django.apps import AppConfig

from liaison.loops.ports import register_kind
from liaison.orders.ports import REFERRAL


class OrdersConfig(AppConfig):
    """Registers the kind of loop that a referral is."""

    name = "liaison.orders"
    label = "orders"
    verbose_name = "Orders"

    def ready(self) -> None:
        """Tell the ledger what proves a referral kept, and offer our places."""
        from liaison.core.places import register_places
        from liaison.orders.places import PLACES

        register_places(*PLACES)
        register_kind(REFERRAL)
