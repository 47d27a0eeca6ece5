"""The Django app that holds the patients."""

from django.apps import AppConfig


class PatientsConfig(AppConfig):
    """Patients, contacts, proxies, care teams, duplicates and break-the-glass."""

    name = "liaison.patients"
    label = "patients"
    verbose_name = "Patients"

    def ready(self) -> None:
        """Let every page show that emergency access is open, and let the audit trail be searched by patient."""
        from liaison.accounts.ports import register_patient_finder
        from liaison.core.places import register_places
        from liaison.core.shell import register_banners
        from liaison.patients.places import PLACES
        from liaison.patients.queries.audited import AuditedPatients
        from liaison.patients.queries.grants import glass_banners

        register_places(*PLACES)
        register_banners(glass_banners)
        register_patient_finder(AuditedPatients())
