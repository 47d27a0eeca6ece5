"""What whoever opens the chart must see first."""

from __future__ import annotations

from datetime import datetime

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.live import announce
from liaison.core.refusals import NotFound, Refusal
from liaison.patients import access
from liaison.patients.events import AlertsChanged
from liaison.patients.models import Alert, AlertKind, Patient


class AlertWrong(Refusal):
    """An alert says something while it holds, and someone says why it ends."""

    code = "patients.alert_wrong"
    sentence = "Say in a few words what colleagues must know, or why it is over."


def raise_alert(*, actor: Actor, patient: Patient, kind: str, text: str, now: datetime) -> Alert:
    """Tell whoever opens the chart. Refuses: AlertWrong when it says nothing, is too long (300) or is there already."""
    with act(actor, access.CHANGE_ALERTS, patient=patient, now=now) as entry:
        said = " ".join(text.split())
        if not said or len(said) > 300 or kind not in AlertKind.values:
            raise AlertWrong(fields={"text": AlertWrong.sentence})
        Patient.objects.select_for_update().get(pk=patient.pk)
        if patient.alerts.filter(kind=kind, text=said, ended_at__isnull=True).exists():
            raise AlertWrong(fields={"text": "The chart says this already."})
        alert = Alert.objects.create(patient=patient, kind=kind, text=said, raised_at=now, raised_by_id=actor.user_id)
        entry.about(alert)
        entry.publish(AlertsChanged(patient_id=patient.pk, alert_id=alert.pk, at=now))
        announce(topic=f"patient:{patient.pk}", what="alerts-changed")
    return alert


def end_alert(*, actor: Actor, patient: Patient, alert_id: int, reason: str, now: datetime) -> None:
    """An alert holds no longer. Refuses: AlertWrong without a reason, NotFound when it ended before."""
    with act(actor, access.CHANGE_ALERTS, patient=patient, reason=reason, now=now) as entry:
        if not reason.strip():
            raise AlertWrong(fields={"reason": AlertWrong.sentence})
        alert = patient.alerts.select_for_update().filter(pk=alert_id, ended_at__isnull=True).first()
        if alert is None:
            raise NotFound
        alert.end(reason=reason.strip()[:200], now=now)
        alert.save()
        entry.about(alert)
        entry.publish(AlertsChanged(patient_id=patient.pk, alert_id=alert.pk, at=now))
        announce(topic=f"patient:{patient.pk}", what="alerts-changed")
