"""`liaison import`: a progress bar with count and rate, what came by type, and everything that was refused.

Without a terminal (a log file, a timer of the system) the progress is a line every few seconds instead of a bar.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from django.db.models import Count, Max, QuerySet
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from liaison.accounts.models import Site
from liaison.console.problems import Problem
from liaison.core.actor import system_actor
from liaison.core.clock import current_time
from liaison.loops.models import RECKONED, Loop, LoopEvent
from liaison.loops.ports import kind_of
from liaison.pathways.models import Enrolment
from liaison.pathways.queries import Outlook, outlook, told
from liaison.records.actions import ImportSummary, Remark, import_files
from liaison.records.actions import Progress as Reached
from liaison.records.models import Source

MOST_LINES = 200
LONGEST = 240
"""Letters of a name, a path or a reason on a line."""
ROOMY = 70
LINE_SECONDS = 5.0
"""Without a terminal a line of progress comes so often, and at each tenth of the way, a second apart at least."""


class _Rate(ProgressColumn):
    """Resources and resources a second, on one line whatever the terminal's width."""

    def __init__(self) -> None:
        super().__init__(table_column=Column(no_wrap=True))

    def render(self, task: Task) -> Text:
        """The text for one moment."""
        resources = int(task.fields["resources"])
        seconds = max(task.elapsed or 0.0, 0.001)
        return Text(f"{resources:,} at {resources / seconds:,.0f}/s")


def progress_bar(console: Console) -> Progress:
    """The bar of a running import: which file, how much of the bytes, resources and their rate, the time.

    The bar gives way first and the time next, so that it is one line down to 60 columns.
    """
    told = Column(no_wrap=True)
    columns: list[ProgressColumn] = [TextColumn("{task.description}", table_column=told)]
    columns += [
        BarColumn(bar_width=None, table_column=Column(ratio=1)),
        TextColumn("{task.percentage:>3.0f} %"),
        _Rate(),
    ]
    if console.width >= ROOMY:
        columns.append(TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, expand=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Which system the files come from, as a name of one's own choosing, and where its new patients belong.

    The same id from two systems is two things, so a second feed needs a name. `site` is a site's code or name; without
    one it is the organization's first.
    """

    system: str = ""
    site: str = ""


def run_import(paths: Sequence[Path], *, console: Console, origin: Origin | None = None) -> ImportSummary:
    """Import these files and folders and tell what became of them.

    Refuses (Problem), before anything is imported: paths that don't exist, a site that is not known, a name of a system
    that is too long or Liaison's own.
    """
    origin = origin or Origin()
    site = _site_of(origin)
    _refuse_system(origin.system)
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise Problem(f"{missing[0]} does not exist. Nothing was imported.")
    last = Loop.objects.aggregate(last=Max("pk"))["last"] or 0
    told_last = LoopEvent.objects.aggregate(last=Max("pk"))["last"] or 0
    started = time.monotonic()
    now, actor = current_time(), system_actor("import")
    with _progress(console) as show:
        summary = import_files(actor, paths=paths, now=now, site=site, system=origin.system, progress=show)
    _tell(summary, seconds=time.monotonic() - started, console=console)
    seen = outlook(actor, now=now, patient_ids=summary.covered_ids) if summary.covered_ids else ()
    theirs = Loop.objects.filter(pk__gt=last, patient__in=summary.covered_ids)
    anew = LoopEvent.objects.filter(pk__gt=told_last, what=RECKONED, loop__patient__in=summary.covered_ids)
    _tell_follow_up(theirs, anew=anew, seen=seen, console=console)
    return summary


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[Reached], None]]:
    """A function that shows how far the import is: as a bar on a terminal, as lines anywhere else."""
    if not console.is_terminal:
        yield Lines(console).show
        return
    with progress_bar(console) as bar:
        task = bar.add_task("importing", total=None, resources=0)

        def show(reached: Reached) -> None:
            bar.update(
                task,
                total=max(reached.bytes_total, 1),
                completed=reached.bytes_done,
                resources=reached.resources,
                description=_file_of(reached),
            )

        yield show


class Lines:
    """Progress as lines: `seconds` tells the time, in seconds from anywhere."""

    def __init__(self, console: Console, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._console, self._seconds = console, seconds
        self._began = self._said_at = seconds()
        self._tenths = 0

    def show(self, reached: Reached) -> None:
        """Say how far the import is, if it is time to."""
        now = self._seconds()
        tenths = 10 * reached.bytes_done // max(reached.bytes_total, 1)
        pause = now - self._said_at
        if pause < 1 or (pause < LINE_SECONDS and tenths == self._tenths):
            return
        self._said_at, self._tenths = now, tenths
        percent = 100 * reached.bytes_done // max(reached.bytes_total, 1)
        rate = reached.resources / (now - self._began)
        self._console.print(
            f"{_file_of(reached)}, {percent} %: {_counted(reached.resources, 'resource')} at {rate:,.0f}/s,"
            f" {reached.rejects:,} rejected so far",
            highlight=False,
            soft_wrap=True,
        )


def _file_of(reached: Reached) -> str:
    return f"file {min(reached.files_done + 1, reached.files_total):,} of {reached.files_total:,}"


def _site_of(origin: Origin) -> Site | None:
    if not origin.site:
        return None
    wanted, sites = origin.site.casefold(), list(Site.objects.all())
    named = [site for site in sites if site.code.casefold() == wanted]
    named = named or [site for site in sites if site.name.casefold() == wanted]
    if len(named) != 1:
        known = ", ".join(f"{site.code} ({site.name})" for site in sites) or "none yet"
        what = "There is no site" if not named else "There are several sites"
        raise Problem(f"{what} {origin.site}. Give the code of one of these: {known}. Nothing was imported.")
    return named[0]


def _refuse_system(system: str) -> None:
    longest = Source._meta.get_field("system").max_length or 0
    if len(system) > longest:
        raise Problem(f"The name of the system has {len(system)} characters; {longest} fit. Nothing was imported.")
    if system.strip().casefold() == "liaison" or system.casefold().startswith("urn:liaison:"):
        raise Problem(f"{system} is Liaison's own. Choose another name for the system. Nothing was imported.")


def _tell(summary: ImportSummary, *, seconds: float, console: Console) -> None:
    table = Table("resource type", *("new", "changed", "unchanged", "older"), title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, counts in summary.by_type.items():
        numbers = (counts.new, counts.changed, counts.unchanged, counts.older)
        table.add_row(escape(name), *(f"{number:,}" if number else "" for number in numbers))
    if summary.by_type:
        console.print(table)
    for remark in summary.remarks[:MOST_LINES]:
        console.print(_remarked(remark), markup=False, highlight=False, soft_wrap=True)
    _tell_rest(len(summary.remarks), what="kinds of note", console=console)
    for note in summary.unresolved[:MOST_LINES]:
        console.print(_line("waiting", note.file, note.path, note.text), markup=False, highlight=False, soft_wrap=True)
    _tell_rest(summary.unresolved_count, what="references to something that has not come", console=console)
    for reject in summary.rejects:
        line = _line("rejected", reject.file, reject.path, reject.reason)
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    _tell_sums(summary, seconds=seconds, console=console)


def _tell_sums(summary: ImportSummary, *, seconds: float, console: Console) -> None:
    """Patients, resources, and what they were to us: three lines, each number once."""
    total, rejected = summary.total, len(summary.rejects)
    rate = f"{seconds:.1f} s ({total.received / max(seconds, 0.001):,.0f} a second)"
    files = _counted(len(summary.outcomes), "file")
    lines = [
        f"{_counted(len(summary.covered_ids), 'patient')}: {_whose_news(summary)}." if summary.covered_ids else "",
        f"{_counted(total.received, 'resource')} from {files} in {rate}, {rejected:,} rejected.",
    ]
    kinds = {"new": total.new, "changed": total.changed, "here already": total.unchanged, "older": total.older}
    kept = ", ".join(f"{count:,} {words}" for words, count in kinds.items() if count)
    if summary.changed_nothing:
        lines.append("Nothing new; the same as before is still rejected." if rejected else NOTHING_NEW)
    else:
        lines.append(f"Of them {kept}.")
    for line in filter(None, lines):
        console.print(line, highlight=False)


NOTHING_NEW = "Nothing changed: all of it was here already."


def _whose_news(summary: ImportSummary) -> str:
    with_news, all_of_them = len(summary.patient_ids), len(summary.covered_ids)
    if with_news == all_of_them:
        return "something came or changed for each" if all_of_them > 1 else "something came or changed"
    return f"something came or changed for {with_news:,}" if with_news else "nothing came or changed for any"


def _remarked(remark: Remark) -> str:
    """One line for all notes of the same words, with their number and one place."""
    note = remark.example
    if remark.count == 1:
        return _line("note", note.file, note.path, note.text)
    return _line("note", f"{remark.count:,} times", remark.text, f"for example {note.file}", note.path)


def _line(what: str, *parts: object) -> str:
    """One line for a terminal: what is no letter is written out, what is long is cut in the middle."""
    return ": ".join((what, *(_cut("".join(_plain(letter) for letter in str(part))) for part in parts)))


def _plain(letter: str) -> str:
    return letter if letter.isprintable() else repr(letter)[1:-1]


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 40]} … {text[-36:]}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _tell_rest(count: int, *, what: str, console: Console) -> None:
    if count > MOST_LINES:
        console.print(f"… and {count - MOST_LINES:,} more {what}.", highlight=False)


def _tell_follow_up(
    opened: "QuerySet[Loop]", *, anew: "QuerySet[LoopEvent]", seen: Sequence[Outlook], console: Console
) -> None:
    """What the protocols found in these charts, what each opened or counted anew now, and why most of it opens nothing
    today."""
    standing = Enrolment.objects.filter(voided_at=None)
    by_protocol = Counter(standing.filter(loop__in=opened).values_list("protocol__code", flat=True))
    before = standing.filter(loop__in=anew.values("loop_id")).exclude(loop__in=opened)
    reckoned = Counter(before.values_list("protocol__code", flat=True))
    for one in seen:
        for line in told(one, opened=by_protocol[one.protocol], reckoned=reckoned[one.protocol]):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    others = opened.exclude(pk__in=Enrolment.objects.filter(loop__in=opened).values("loop_id"))
    for code, count in others.values_list("kind").annotate(count=Count("pk")).order_by("kind"):
        console.print(f"{_counted(count, 'other loop')} opened: {kind_of(code).label}.", highlight=False)


def status_of(summary: ImportSummary, *, allow_rejects: bool) -> int:
    """0 only if nothing was refused, or refusing was allowed; says which, and what to do."""
    if not summary.rejects:
        click.echo("Exit status 0: everything was taken in.")
        return 0
    if allow_rejects:
        click.echo("Exit status 0: some resources were rejected (see above), and --allow-rejects allows it.")
        return 0
    click.echo(
        "Exit status 1: some resources were rejected (see above); the rest is in. Mend them and import the files "
        "again, or add --allow-rejects if that is fine.",
        err=True,
    )
    return 1
