"""The benchmarks by name."""

from bench.scenarios import booking, calendar, desk, importing, searching, slots, timeline

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        importing.SCENARIO,
        desk.SCENARIO,
        searching.SCENARIO,
        timeline.SCENARIO,
        booking.SCENARIO,
        slots.SCENARIO,
        calendar.SCENARIO,
    )
}
