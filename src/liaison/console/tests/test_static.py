"""Static files are collected again only when one of them changed."""

from pathlib import Path

import pytest
from django.conf import settings as configured

from liaison.console.static import collect


@pytest.fixture
def one_file(tmp_path, settings):
    """A stylesheet that is the only static file, and an empty place to collect into."""
    (tmp_path / "sources").mkdir()
    file = tmp_path / "sources" / "plain.css"
    file.write_text("body { color: black }")
    settings.STATICFILES_DIRS = [tmp_path / "sources"]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "collected"
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    return file


def test_files_are_collected_once_and_again_when_one_of_them_changed(one_file):
    collected = Path(configured.STATIC_ROOT) / "plain.css"
    assert collect()
    assert not collect()
    one_file.write_text("body { color: darkslategray }")
    assert collect()
    assert "darkslategray" in collected.read_text()
