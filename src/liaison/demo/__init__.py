"""The demonstration clinic: invented people at three sites, seeded and relative to today.

`clinic.build(now=…)` fills an empty database through the same actions that people use, so every row has its
audit entry and its story. `cast` holds the names; `stories` tells what happened to whom. Every page says that
it is a demonstration.
"""
