"""Free time that is kept, so that a search need not work it out."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from liaison.scheduling.models.arrangement import Resource


class FreeDay(models.Model):
    """The free time of one resource at one site on one UTC day, as bits of five minutes (`rules.bits`).

    Worked out of working hours, closures and active reservations, in the transaction that changes one of these.
    A row counts only for the time zone that it was worked out for; where there is none, the search works the time out
    itself. Nothing is lost when rows are deleted.
    """

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="+", db_index=False)
    site = models.ForeignKey("accounts.Site", on_delete=models.CASCADE, related_name="+", db_index=False)
    utc_on = models.DateField()
    time_zone = models.CharField(max_length=64)
    bits = models.BinaryField()
    is_exact = models.BooleanField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["resource", "site", "utc_on"], name="scheduling_free_day_once"),
        ]

    def __str__(self) -> str:
        return f"free time of resource {self.resource_id} at site {self.site_id} on {self.utc_on}"
