"""The benchmarks: `python -m bench NAME [--size N …] [--json]`.

Each runs on a PostgreSQL of its own in a temporary folder, with the settings of a real one, and prints what it measured
on this machine. Figures are printed, never committed as facts.
"""
