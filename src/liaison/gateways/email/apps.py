"""Connects the inbox's e-mail channel to SMTP."""

from django.apps import AppConfig

from liaison.gateways.email.transport import smtp_from_settings
from liaison.inbox.ports import Channel, connect


class EmailGatewayConfig(AppConfig):
    """Registers the SMTP transport when Django starts."""

    name = "liaison.gateways.email"
    label = "email_gateway"
    verbose_name = "E-mail"

    def ready(self) -> None:
        """Name SMTP as what carries e-mail; without `SMTP_URL` messages wait in the queue."""
        connect(Channel.EMAIL, smtp_from_settings)
