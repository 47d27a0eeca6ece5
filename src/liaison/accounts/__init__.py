"""The people who sign in: where they work, what they may do, and how they prove who they are.

Words: a *site* is one place of the organization and owns its time zone. A *team* is people of a site who share
a desk. A *role* is code (`access.Role`); an *assignment* gives a person a role at one site, or at every site,
for a time. An *actor* is a person in one session with the assignments that hold now: views and actions speak of
actors, never of users. *Stepping up* is proving again who is at the keyboard, for verbs that need it. A session
ends after a time without work (idle) and after a day's work in any case (absolute). Sign-ins, refused sign-ins,
sign-outs and every change of a password or second factor stand in the audit trail.
"""
