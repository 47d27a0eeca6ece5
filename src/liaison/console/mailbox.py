"""The demonstration's mail server as a process: `python -m liaison.console.mailbox --port 2525 --folder DIR`."""

import signal
import threading
from pathlib import Path

import click

from liaison.gateways.email.demo import demo_server


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--folder", type=click.Path(path_type=Path), required=True)
def main(port: int, folder: Path) -> None:
    """Keep every mail that is sent to this port as a file, until SIGTERM."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    server = demo_server(folder=folder, port=port)
    server.start()
    ended.wait()
    server.stop()


if __name__ == "__main__":
    main()
