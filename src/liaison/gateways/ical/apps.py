"""Offers scheduling a writer of invitations, and the inbox a reader of what people answer."""

from django.apps import AppConfig

from liaison.gateways.ical.feed import FeedWriter
from liaison.gateways.ical.reader import read_answers
from liaison.gateways.ical.writer import ICalendarWriter
from liaison.inbox.ports import register_calendar_reader
from liaison.scheduling.ports import register_feed_writer, register_invitation_writer


class ICalGatewayConfig(AppConfig):
    """Registers writer and reader when Django starts."""

    name = "liaison.gateways.ical"
    label = "ical_gateway"
    verbose_name = "iCalendar"

    def ready(self) -> None:
        """Name what writes invitations, and what reads the answers."""
        register_invitation_writer(ICalendarWriter)
        register_calendar_reader(read_answers)
        register_feed_writer(FeedWriter)
