"""Resources' time: who and what is free, and what was given to whom.

Words: a *resource* is a person, room or device whose time can be given away. Its *working hours* are local wall times
at a site; a *closure* takes time out of them. A *visit type* says how long a visit lasts, which roles must be free
together (its *needs*) and how early or late it may be booked. A *reservation* is one resource's time given to one
*appointment*; the database refuses two active reservations that overlap. A *search* finds *offers*: starts at which
every need can be met, the earliest first, each saying why it stands there. A *series* is a weekly rule with a row for
each of its days. A *journey* is several visits of one patient that belong together, with a *gap* of so much at least
and at most between each and the next; a *plan* is a time for each. Times are stored as instants; the site owns the
time zone; every range is half-open.
"""
