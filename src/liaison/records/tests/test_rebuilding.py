"""The charts are read again by themselves when the readers have changed."""

from liaison.core.actor import system_actor
from liaison.core.postgres.guard import writes_open
from liaison.records.actions import rebuild_facts, rebuild_if_readers_changed
from liaison.records.jobs import read_again
from liaison.records.models import Fact, Reading
from liaison.records.rules.facts import READERS_VERSION
from liaison.records.tests.cast import NOW, bundle, observation, walter, write

LIAISON = system_actor("test")


def test_an_empty_store_has_nothing_to_read_again(cast):
    del cast
    assert rebuild_if_readers_changed(LIAISON, now=NOW) is None
    assert not Reading.objects.exists()


def test_what_comes_first_is_read_by_todays_readers(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", bundle(walter(), observation())))
    cast.take_in(write(tmp_path / "b.json", bundle(observation(id="second"))))
    assert [row.readers_version for row in Reading.objects.all()] == [READERS_VERSION]
    assert rebuild_if_readers_changed(LIAISON, now=NOW) is None


def test_charts_that_other_readers_read_are_read_again_once(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", bundle(walter(), observation())))
    with writes_open():
        Fact.objects.all().delete()
        Reading.objects.update(readers_version=READERS_VERSION + 1)
    read_again()
    assert Fact.objects.count() == 1
    assert Reading.objects.latest("pk").readers_version == READERS_VERSION
    assert rebuild_if_readers_changed(LIAISON, now=NOW) is None


def test_an_installation_from_before_versions_were_kept_is_read_again(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", bundle(walter(), observation())))
    with writes_open():
        Reading.objects.all().delete()
    summary = rebuild_if_readers_changed(LIAISON, now=NOW)
    assert summary is not None
    assert summary.resources == 2


def test_some_patients_alone_say_nothing_of_all(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", bundle(walter(), observation())))
    with writes_open():
        Reading.objects.all().delete()
    assert rebuild_facts(LIAISON, now=NOW, patient_ids=[0]).resources == 0
    assert not Reading.objects.exists()
