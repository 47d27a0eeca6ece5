"""Offers scheduling a writer of invitations."""

from django.apps import AppConfig

from liaison.gateways.ical.writer import ICalendarWriter
from liaison.scheduling.ports import register_invitation_writer


class ICalGatewayConfig(AppConfig):
    """Registers the writer when Django starts."""

    name = "liaison.gateways.ical"
    label = "ical_gateway"
    verbose_name = "iCalendar"

    def ready(self) -> None:
        """Name what writes invitations."""
        register_invitation_writer(ICalendarWriter)
