"""Liaison: the desk that a patient care coordinator works at all day.

It keeps one promise: no step of a patient's care is lost. Everything a coordinator does is a *loop*,
open until something proves it kept. `docs/tour.md` walks one referral from the click to the row.
"""

__version__ = "0.1.0"
