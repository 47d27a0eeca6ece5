"""Pathways: protocols as data, and what they set going for patients whom they fit.

A *protocol* is a versioned definition: an *anchor* (the event it hangs on, such as a hospital stay), *criteria*
(a small tree of questions about facts), and the *clocks* of the loop that it opens. An *enrolment* is one
patient on one protocol for one anchor; there is never a second for the same three. Criteria are evaluated for
whole populations by one SQL statement, and tests hold its answers against those of a second reading of that
tree, in plain Python. A change in one chart evaluates that patient again; a nightly job evaluates everybody.
*Transitional care* is the first protocol: contact within 2 business days of a discharge, a visit within 7 or 14
days, the medicines reconciled by then.
"""
