"""The project's own checks: `python -m tools.check` runs them all, with ruff, mypy and import-linter."""
