"""What every package stands on: one way to change something, and a record of who did and saw what.

Words: an *actor* does a *verb*; `act()` opens the transaction, checks, audits and runs *reactions* to the
*facts* that were published. A *refusal* is the one error for "no". A *seal* closes a batch of audit entries
into a hash chain. *Live* announcements tell open pages that something changed; they carry ids only.
"""
