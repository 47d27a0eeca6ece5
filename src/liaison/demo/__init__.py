"""The demonstration clinic: invented people, seeded and relative to today."""
