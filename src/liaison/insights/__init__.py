"""Reports and dashboards (not built yet: this folder holds the place in the layers)."""
