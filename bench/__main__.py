"""The command line of the benchmarks."""

import json
import sys
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from bench.harness import Result, Scenario, machine
from bench.scenarios import SCENARIOS


@click.command()
@click.argument("name", type=click.Choice([*SCENARIOS, "all"]))
@click.option(
    "--size", "sizes", type=click.IntRange(1), multiple=True, help="Other sizes than the default; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each benchmark.")
def main(name: str, sizes: tuple[int, ...], *, as_json: bool) -> None:
    """Run the benchmark NAME (or all) and print what it measured on this machine."""
    for scenario in SCENARIOS.values() if name == "all" else [SCENARIOS[name]]:
        chosen = tuple(sorted(sizes)) or scenario.sizes
        results = scenario.run(chosen, lambda line: click.echo(f"  {line}", err=True))
        if as_json:
            click.echo(_as_json(scenario, chosen, results))
        else:
            _show(scenario, results)


def _as_json(scenario: Scenario, sizes: tuple[int, ...], results: list[Result]) -> str:
    figures = [asdict(result) for result in results]
    return json.dumps({"name": scenario.name, "sizes": sizes, "machine": machine(), "results": figures})


def _show(scenario: Scenario, results: list[Result]) -> None:
    what = machine()
    title = f"{scenario.name}: {what['cores']} cores, {what['memory_gb']} GB, {what['processor']}"
    table = Table(scenario.counts, "metric", "value", "unit", title=title, title_justify="left")
    table.columns[0].justify = table.columns[2].justify = "right"
    for result in results:
        value = f"{result.value:,.0f}" if float(result.value).is_integer() else f"{result.value:,.2f}"
        table.add_row(f"{result.size:,}", result.metric, value, result.unit)
    Console(file=sys.stdout).print(table)


if __name__ == "__main__":
    main()
