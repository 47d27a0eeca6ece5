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
        """Tell the ledger what proves a referral kept."""
        register_kind(REFERRAL)
