"""The page of a follow-up."""

from __future__ import annotations

from django.urls import reverse

from liaison.accounts.models import User
from liaison.pathways.tests.cast import stay, walter


def signed_in(client, actor):
    client.force_login(User.objects.get(pk=actor.user_id))
    return client


def test_rosa_reads_where_it_stands_and_says_how_complex_it_is(ward, client):
    ward.take_in(walter(), stay())
    page = reverse("pathways:follow_up", args=[ward.enrolment.pk])
    change = reverse("pathways:complexity", args=[ward.enrolment.pk])
    signed_in(client, ward.rosa)
    assert "Fri 13 Feb 2026" in client.get(page).content.decode()
    assert client.post(change, {"complexity": "extreme"}).status_code == 422
    assert client.post(change, {"complexity": "high"}).headers["Location"] == page
    assert ward.enrolment.complexity == "high"
    part = client.post(change, {"complexity": "moderate"}, headers={"HX-Request": "true"})
    assert (part.status_code, b"<html" in part.content) == (200, False)


def test_pat_of_another_site_finds_nothing(ward, client):
    ward.take_in(walter(), stay())
    signed_in(client, ward.pat)
    assert client.get(reverse("pathways:follow_up", args=[ward.enrolment.pk])).status_code == 404
    change = reverse("pathways:complexity", args=[ward.enrolment.pk])
    assert client.post(change, {"complexity": "high"}).status_code == 404
    assert ward.enrolment.complexity == "moderate"
