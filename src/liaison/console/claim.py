"""Only one `liaison up` works on a data folder, and other commands there share its clock."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from liaison.console.problems import Problem


class Claim:
    """The claim on a data folder; it ends with the process that holds it, however that ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = folder / "up.lock"
        self._clock = folder / "clock"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder. Refuses (Problem) if another process does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise Problem(
                    f"Liaison already runs on {self.folder} (process {file.read().strip()}). "
                    "Stop that one first, or choose another folder with LIAISON_DATA."
                ) from None
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            self._clock.unlink(missing_ok=True)
            yield

    def tell_clock(self, offset: int) -> None:
        """Let other commands know by how many seconds this Liaison's clock differs."""
        self._clock.write_text(f"{offset}\n")

    def clock_of_holder(self) -> int:
        """The offset in seconds of the Liaison that runs on this folder; 0 if none does."""
        try:
            with self._lock.open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(self._clock.read_text()) if self._clock.exists() else 0
        except FileNotFoundError:
            return 0
        return 0
