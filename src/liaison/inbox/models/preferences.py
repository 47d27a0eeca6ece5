"""What patients said about being written to or called, by channel and category."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from liaison.inbox.rules.channels import Category, Channel, Standing


class Preference(models.Model):
    """One statement about one channel and category (DOMAIN 8.1); the last one counts, none is changed."""

    patient = models.ForeignKey(
        "patients.Patient", on_delete=models.PROTECT, related_name="preferences", db_index=False
    )
    channel = models.CharField(max_length=10, choices=[(one.value, one.value) for one in Channel])
    category = models.CharField(max_length=12, choices=[(one.value, one.value) for one in Category])
    standing = models.CharField(max_length=10, choices=[(one.value, one.value) for one in Standing])
    source = models.CharField(max_length=60)
    evidence = models.TextField(blank=True)
    text_shown = models.TextField(blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    by_name = models.CharField(max_length=200)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["patient", "id"], name="preference_of_a_patient")]

    def __str__(self) -> str:
        """The id only."""
        return f"preference {self.pk}"
