"""The benchmarks by name."""

from bench.scenarios import booking, calendar, desk, importing, searching, slots

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        importing.SCENARIO,
        desk.SCENARIO,
        searching.SCENARIO,
        booking.SCENARIO,
        slots.SCENARIO,
        calendar.SCENARIO,
    )
}
