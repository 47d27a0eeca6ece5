"""The Django app that holds the patients."""

from django.apps import AppConfig


class PatientsConfig(AppConfig):
    """Patients, contacts, proxies, care teams, duplicates and break-the-glass."""

    name = "liaison.patients"
    label = "patients"
    verbose_name = "Patients"
