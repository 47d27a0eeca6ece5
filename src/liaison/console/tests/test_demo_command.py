"""The demonstration clinic is built only where nobody works yet, and a half-built one is removed first."""

import psycopg
import pytest

from liaison.accounts.models import User
from liaison.console.demo import fill_if_empty, remove_half_built, sign_ins
from liaison.console.settings import data_folder
from liaison.core.postgres.guard import writes_open
from liaison.demo import cast

MARK = "demo-clinic-unfinished"


@pytest.fixture
def said():
    return []


@pytest.fixture
def half_built(place, monkeypatch, tmp_path):
    """A database with a table of Liaison's, in a data folder of its own."""
    monkeypatch.setenv("LIAISON_DATA", str(tmp_path))
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA liaison")
        connection.execute("CREATE TABLE liaison.patient AS SELECT 1 AS id")
    return place


def has_liaison(place):
    with psycopg.connect(place.url) as connection:
        return connection.execute("SELECT to_regnamespace('liaison') IS NOT NULL").fetchone()[0]


@pytest.mark.django_db
def test_a_database_with_accounts_is_not_filled_with_invented_patients(said):
    with writes_open():
        User.objects.create(email="rosa@clinic.example", name="Rosa Delgado", password="!")
    assert not fill_if_empty(say=said.append)
    assert said == []
    assert User.objects.count() == 1


def test_a_clinic_whose_building_was_cut_off_is_removed_and_that_is_said(half_built, said):
    (data_folder() / MARK).touch()
    remove_half_built(half_built.url, say=said.append)
    assert not has_liaison(half_built)
    assert said == ["the demonstration clinic was only half built; it is built anew"]
    assert not (data_folder() / MARK).exists()


def test_a_clinic_that_is_whole_is_left_alone(half_built, said):
    remove_half_built(half_built.url, say=said.append)
    assert has_liaison(half_built)
    assert said == []


def test_the_sign_ins_name_the_people_and_their_password():
    first, *people = sign_ins()
    assert cast.PASSWORD in first
    assert len(people) == len(cast.SHOWN_AT_SIGN_IN)
