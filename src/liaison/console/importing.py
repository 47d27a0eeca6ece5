"""`liaison import`: a progress bar with count and rate, what came by type, and everything that was refused."""

import time
from collections.abc import Sequence
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
from liaison.loops.models import Loop
from liaison.loops.ports import kind_of
from liaison.pathways.queries import Outlook, outlook, told
from liaison.records.actions import ImportSummary, import_files
from liaison.records.actions import Progress as Reached
from liaison.records.models import Source

MOST_LINES = 200
LONGEST = 240
"""Letters of a name, a path or a reason on a line."""
ROOMY = 70


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
    started = time.monotonic()
    with progress_bar(console) as bar:
        task = bar.add_task("importing", total=None, resources=0)

        def show(reached: Reached) -> None:
            bar.update(
                task,
                total=max(reached.bytes_total, 1),
                completed=reached.bytes_done,
                resources=reached.resources,
                description=f"file {min(reached.files_done + 1, reached.files_total)} of {reached.files_total}",
            )

        now, actor = current_time(), system_actor("import")
        summary = import_files(actor, paths=paths, now=now, site=site, system=origin.system, progress=show)
    _tell(summary, seconds=time.monotonic() - started, console=console)
    seen = outlook(actor, now=now, patient_ids=summary.covered_ids) if summary.covered_ids else ()
    _tell_loops(Loop.objects.filter(pk__gt=last), seen=seen, console=console)
    _tell_protocols(seen, console=console)
    return summary


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
    for note in summary.notes[:MOST_LINES]:
        console.print(_line("note", note.file, note.path, note.text), markup=False, highlight=False, soft_wrap=True)
    _tell_rest(len(summary.notes), what="notes", console=console)
    for note in summary.unresolved[:MOST_LINES]:
        console.print(_line("waiting", note.file, note.path, note.text), markup=False, highlight=False, soft_wrap=True)
    _tell_rest(summary.unresolved_count, what="references to something that has not come", console=console)
    for reject in summary.rejects:
        line = _line("rejected", reject.file, reject.path, reject.reason)
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    received = summary.total.received
    rate = f" in {seconds:.1f} s ({received / max(seconds, 0.001):,.0f} a second)"
    console.print(
        f"{_counted(received, 'resource')} from {_counted(len(summary.outcomes), 'file')}{rate},"
        f" {len(summary.rejects):,} rejected.",
        highlight=False,
    )
    if summary.changed_nothing:
        console.print(_nothing_changed(rejected=len(summary.rejects)), highlight=False)


def _line(what: str, *parts: object) -> str:
    """One line for a terminal: what is no letter is written out, what is long is cut in the middle."""
    return ": ".join((what, *(_cut("".join(_plain(letter) for letter in str(part))) for part in parts)))


def _plain(letter: str) -> str:
    return letter if letter.isprintable() else repr(letter)[1:-1]


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 40]} … {text[-36:]}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _nothing_changed(*, rejected: int) -> str:
    if rejected:
        return f"Nothing new; {rejected:,} still rejected."
    return "Nothing changed: all of it was here already."


def _tell_rest(count: int, *, what: str, console: Console) -> None:
    if count > MOST_LINES:
        console.print(f"… and {count - MOST_LINES:,} more {what}.", highlight=False)


def _tell_loops(opened: "QuerySet[Loop]", *, seen: Sequence[Outlook], console: Console) -> None:
    counts = list(opened.values_list("kind").annotate(count=Count("pk")).order_by("kind"))
    for code, count in counts:
        noun = "loop" if count == 1 else "loops"
        console.print(f"{count:,} {noun} opened by what came in: {kind_of(code).label}.", highlight=False)
    if seen and not counts:
        console.print(_why_none(seen), highlight=False)


def _why_none(seen: Sequence[Outlook]) -> str:
    waiting, followed = sum(sum(one.waiting.values()) for one in seen), sum(one.followed for one in seen)
    if waiting:
        return f"No loops were opened yet: {_counted(waiting, 'follow-up')} still to be opened, see below."
    if followed:
        return "No further loops were opened: what still matters is followed already."
    return "No loops were opened: nothing that came in still matters today."


def _tell_protocols(seen: Sequence[Outlook], *, console: Console) -> None:
    """What the protocols found in these charts, and why most of it opens nothing today."""
    for one in seen:
        for line in told(one):
            console.print(line, markup=False, highlight=False, soft_wrap=True)


def status_of(summary: ImportSummary, *, allow_rejects: bool) -> int:
    """0 only if nothing was refused, or refusing was allowed."""
    if summary.rejects and not allow_rejects:
        click.echo("Some resources were rejected (see above). Add --allow-rejects if that is fine.", err=True)
        return 1
    return 0
