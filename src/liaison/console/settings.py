"""What the command line itself needs of the environment, before Django is loaded."""

import os
from pathlib import Path


def data_folder() -> Path:
    """Where Liaison keeps its files on this machine (LIAISON_DATA, default `.data` here)."""
    return Path(os.environ.get("LIAISON_DATA") or ".data").resolve()


def embedded_folder() -> Path:
    """The folder of the embedded PostgreSQL."""
    return data_folder() / "postgres"
