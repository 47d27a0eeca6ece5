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

    @contextmanager
    def kept_from_up(self) -> Iterator[None]:
        """Let no `liaison up` work on the folder meanwhile. Refuses (Problem) while one does.

        A folder that is not there stays so: nothing runs on it.
        """
        if not self.folder.is_dir():
            yield
            return
        with self._lock.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Problem(
                    f"Liaison runs on {self.folder}{self._by()}. Stop it first: who works there would go on with what "
                    "is taken away. Nothing was changed."
                ) from None
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield

    def _by(self) -> str:
        holder = self._lock.read_text().strip()
        return f" (process {holder})" if holder else ""

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
