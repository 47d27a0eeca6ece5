"""The `liaison` command."""

import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import click

from liaison.console.mail import mail
from liaison.console.problems import Problem, one_line
from liaison.console.settings import data_folder, database, load_settings, loaded

MODES = ["demo", "production"]


class Commands(click.Group):
    """Commands whose expected failures end in one line and status 1, and an interruption in status 130."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command and turn what may be expected to fail into a sentence."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            ctx.exit(130)
        except OSError as error:
            raise Problem(_about_files(error)) from error
        except Exception as error:
            sentence = _expected(error)
            if sentence is None:
                raise
            raise Problem(sentence) from error


def _about_files(error: OSError) -> str:
    what = f"{error.filename}: " if error.filename else ""
    return f"{what}{error.strerror or one_line(error)}."


def _expected(error: Exception) -> str | None:
    """The sentence for an error that is no bug (a refusal, a lost database), or None."""
    if "django" not in sys.modules:
        return None
    from django.db import OperationalError

    from liaison.core.refusals import Refusal

    if isinstance(error, Refusal):
        return str(error.sentence)
    if isinstance(error, OperationalError):
        return f"The database was lost: {one_line(error)}. Nothing is half-done; run the command again."
    return None


YEARS_AWAY = 100


class AsOf(click.ParamType[str]):
    """A day for the training clock, or an instant of it, as ISO 8601 writes them; within a century of today."""

    name = "date"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text as it was given, once it is known to be one. Refuses everything else in a sentence."""
        try:
            year = datetime.fromisoformat(value).year
        except ValueError:
            self.fail(f"{value!r} is no day. Write it like 2021-02-20.", param, ctx)
        now = datetime.now(UTC).year  # noqa: TID251 - the real year, before any clock is set
        if abs(year - now) >= YEARS_AWAY:
            self.fail(f"{value} is too far away. Give a day within {YEARS_AWAY - 1} years of today.", param, ctx)
        return value


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="liaison")
def main() -> None:
    """Liaison: the desk for patient care coordinators."""


@main.command()
@click.option("--as-of", type=AsOf(), metavar="DATE", help="Training clock: believe that it is this day (demo only).")
@click.option("--host", default=lambda: os.environ.get("LIAISON_HOST", "127.0.0.1"), help="Listen here.")
@click.option("--port", type=click.IntRange(1, 65533), default=lambda: os.environ.get("LIAISON_PORT", "8000"))
@click.option(
    "--mode", type=click.Choice(["demo", "production"]), default=lambda: os.environ.get("LIAISON_MODE", "demo")
)
@click.option("--web-workers", type=click.IntRange(1, 64), help="Processes that answer pages.")
def up(as_of: str | None, host: str, port: int, mode: str, web_workers: int | None) -> None:
    """Start everything and look after it until Ctrl-C."""
    from liaison.console.up import Up, Wanted

    workers = web_workers or (os.cpu_count() or 1 if mode == "production" else 1)
    Up(Wanted(mode=mode, host=host, port=port, web_workers=workers, as_of=as_of), say=_say).run()


def _say(name: str, line: str) -> None:
    """Print one line of one process, whole, with whose it is before it."""
    with suppress(BrokenPipeError, ValueError):  # nobody reads any more: go on working
        click.echo(f"{click.style(f'{name:>8}', fg='cyan')} │ {line}")


@main.command()
def migrate() -> None:
    """Bring the database to this release (`up` does it too)."""
    from liaison.console.schema import migrate as apply

    with database():
        load_settings()
        applied = apply()
    click.echo(f"{applied} migrations applied." if applied else "Nothing to do: the database is up to date.")


@main.command(name="check-settings")
def check_settings() -> None:
    """Say whether Liaison could start with these settings, and what is wrong."""
    from liaison.console.production import refuse_demonstration
    from liaison.console.schema import refuse_unless_migrated

    with database():
        load_settings()
        from django.conf import settings
        from django.core.checks import ERROR, run_checks

        found = run_checks(include_deployment_checks=settings.LIAISON_MODE == "production")
        for message in found:
            click.echo(f"{message.id}: {message.msg}", err=True)
        if any(message.level >= ERROR for message in found):
            raise Problem("The settings are not right; see above.")
        refuse_unless_migrated()
        refuse_demonstration()
    click.echo(f"Right for {settings.LIAISON_MODE}: settings, database and migrations. Data: {data_folder()}.")


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(arguments: tuple[str, ...]) -> None:
    """Open the database in psql; what follows is passed on (-c "select 1")."""
    from liaison.console.backups import run_psql

    with database() as place:
        status = run_psql(place, arguments)
    sys.exit(status)


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
def backup(file: Path, *, overwrite: bool) -> None:
    """Write everything of this organization into FILE."""
    from liaison.console.backups import make_backup

    if file.exists() and not overwrite:
        raise Problem(f"{file} exists. Choose another name, or add --overwrite.")
    with database() as place:
        size = make_backup(place, file=file)
    click.echo(f"{file}: {size / 1e6:.1f} MB. It holds patients' data: keep it as safe as the database.")
    click.echo("It holds no keys. Keep LIAISON_SECRET_KEY and LIAISON_AUDIT_KEY elsewhere; a restore needs both.")


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--replace", is_flag=True, help="Remove what the database holds now.")
def restore(file: Path, *, replace: bool) -> None:
    """Put the backup FILE into the database: all of it, or nothing."""
    from liaison.console.backups import restore_backup
    from liaison.console.claim import Claim

    with Claim(data_folder()).kept_from_up(), database() as place:
        restore_backup(place, file=file, replace=replace)
    click.echo(f"{file} is restored. `liaison up` applies newer migrations if there are any.")


@main.command(name="import")
@click.argument("paths", metavar="PATH…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--allow-rejects", is_flag=True, help="End with status 0 although something was rejected.")
@click.option("--as-of", type=AsOf(), metavar="DATE", help="Training clock: believe that it is this day (demo only).")
@click.option("--system", default="", metavar="NAME", help="The system that the files come from; each feed its own.")
@click.option("--site", default="", metavar="SITE", help="Where new patients belong: a code or name (default: first).")
def import_(paths: tuple[Path, ...], *, allow_rejects: bool, as_of: str | None, system: str, site: str) -> None:
    """Bring in FHIR R4 bundles, resources or NDJSON, gzip or not; a folder stands for all files in it."""
    if as_of:
        os.environ["LIAISON_AS_OF"] = as_of
    with loaded():
        from rich.console import Console

        from liaison.console.importing import Origin, run_import, status_of

        summary = run_import(paths, console=Console(), origin=Origin(system=system, site=site))
        status = status_of(summary, allow_rejects=allow_rejects)
    sys.exit(status)


@main.command()
def rebuild() -> None:
    """Work out again what is kept beside the records: facts of the charts, headlines, free time."""
    with loaded():
        from rich.console import Console

        from liaison.console.rebuilding import run_rebuild

        run_rebuild(console=Console())


@main.group()
def admin() -> None:
    """People who administer this installation."""


@admin.command(name="add")
@click.argument("email")
@click.option("--name", required=True, help="What people call them.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--one-time", is_flag=True, help="Print a password that has to be changed at the first sign-in.")
@click.option("--site", metavar="NAME", help="The first site, if there is none yet.")
@click.option("--phone", default="", metavar="NUMBER", help="Where the first site's patients call.")
@click.option("--time-zone", default="America/New_York", show_default=True, help="The first site's time zone.")
@click.option("--another", is_flag=True, help="Add them although someone administers Liaison already.")
def admin_add(
    *,
    email: str,
    name: str,
    password_stdin: bool,
    one_time: bool,
    site: str | None,
    phone: str,
    time_zone: str,
    another: bool,
) -> None:
    """Add EMAIL as administrator; asks for the password at the terminal unless told otherwise."""
    if one_time and password_stdin:
        raise click.UsageError("Choose one of --one-time and --password-stdin.")
    with loaded():
        from liaison.console.administration import FIRST_TEAM, NewAdministrator, NewSite, add_administrator

        password = None if one_time else _password(from_stdin=password_stdin)
        first = add_administrator(
            NewAdministrator(email=email, name=name, password=password, another=another),
            site=NewSite(name=site, time_zone=time_zone, phone=phone) if site is not None else None,
        )
    click.echo(f"{name} administers Liaison and signs in as {email.strip().lower()}.")
    if site is not None:
        click.echo(f"{site.strip()} has a first team, {FIRST_TEAM}. Put the people who coordinate there into it.")
    if first:
        click.echo(f"Password for the first sign-in, shown only now: {first}")


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        try:
            return sys.stdin.readline().rstrip("\n")
        except UnicodeDecodeError as error:
            raise Problem("The password on standard input is not UTF-8 text. Nothing was added.") from error
    if not sys.stdin.isatty():
        raise Problem("There is no terminal to ask for the password. Add --password-stdin or --one-time.")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt="The same again"))


@main.group()
def audit() -> None:
    """The audit trail."""


@audit.command()
@click.option("--accept-restore", metavar="REASON", help="Say that an older backup was restored, and why.")
def verify(accept_restore: str | None) -> None:
    """Prove that the audit trail is unbroken and whole (status 1 if it is not)."""
    with loaded():
        from liaison.console import audit as trail

        click.echo(trail.verify_trail() if accept_restore is None else trail.accept_restore(accept_restore))


@main.command()
def demo() -> None:
    """Build the demonstration clinic in an empty database."""
    with loaded():
        from liaison.console.demo import fill_if_empty

        if not fill_if_empty(say=click.echo):
            raise Problem("The database already has accounts; the demonstration clinic is built only in an empty one.")
    click.echo("The demonstration clinic is built. `liaison up` opens it.")


main.add_command(mail)

if __name__ == "__main__":
    main()
