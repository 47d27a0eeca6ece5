"""Referrals over HTTP: asking, the page of one, worklists, and moving one on."""

from liaison.orders.views.asking import draft, refer, targets
from liaison.orders.views.following import move_on, referral, referrals, undo

__all__ = ["draft", "move_on", "refer", "referral", "referrals", "targets", "undo"]
