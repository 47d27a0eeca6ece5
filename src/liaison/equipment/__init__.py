"""Devices, their downtime, supplies and stock (not built yet: this folder holds the place in the layers)."""
