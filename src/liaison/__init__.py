"""Liaison: a care coordinator's desk.

Nothing that a patient was promised gets lost on it: each promise is a *loop*, which stays open until there is
proof that it was kept. `docs/tour.md` walks one referral from the click to the row.
"""

__version__ = "0.1.0"
