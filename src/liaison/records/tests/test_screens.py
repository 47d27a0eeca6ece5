"""The page of one resource."""

from __future__ import annotations

import pytest
from django.urls import reverse

from liaison.accounts.models import User
from liaison.records.models import Resource
from liaison.records.tests.cast import observation, walter, write


@pytest.fixture
def page(cast, tmp_path):
    nasty = "<script>alert('x')</script>"
    lines = write(tmp_path / "a.json", walter())
    cast.take_in(
        lines, write(tmp_path / "b.json", observation(subject={"reference": "Patient/walter"}, note=[{"text": nasty}]))
    )
    return reverse("records:resource", args=[Resource.objects.get(fhir_id="a1c").pk])


def test_rosa_reads_what_was_received_and_markup_stays_text(cast, client, page):
    client.force_login(User.objects.get(pk=cast.rosa.user_id))
    whole = client.get(page)
    assert whole.status_code == 200
    said = whole.content.decode()
    assert "Hemoglobin A1c" in said
    assert "&lt;script&gt;" in said
    assert "<script>alert" not in said
    assert "<html" not in client.get(page, headers={"HX-Request": "true"}).content.decode()


def test_pat_of_another_site_finds_nothing(cast, client, page):
    client.force_login(User.objects.get(pk=cast.pat.user_id))
    assert client.get(page).status_code == 404
