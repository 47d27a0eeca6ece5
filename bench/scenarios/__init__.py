"""The benchmarks by name."""

from bench.scenarios import booking, calendar, desk, importing, replan, searching, slots, timeline

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        importing.SCENARIO,
        desk.SCENARIO,
        searching.SCENARIO,
        timeline.SCENARIO,
        booking.SCENARIO,
        slots.SCENARIO,
        replan.SCENARIO,
        calendar.SCENARIO,
    )
}
