"""The Django app that holds orders."""

from django.apps import AppConfig

from liaison.directory.ports import register_open_referrals
from liaison.loops.ports import register_kind
from liaison.orders.ports import REFERRAL


class OrdersConfig(AppConfig):
    """Registers the kind of loop that a referral is."""

    name = "liaison.orders"
    label = "orders"
    verbose_name = "Orders"

    def ready(self) -> None:
        """Tell the ledger what proves a referral kept, offer our places, and count for the directory."""
        from liaison.core.places import register_places
        from liaison.orders.places import PLACES
        from liaison.orders.queries import open_referrals

        register_places(*PLACES)
        register_open_referrals(open_referrals)
        register_kind(REFERRAL)
