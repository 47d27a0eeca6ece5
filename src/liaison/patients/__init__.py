"""Our patients: who they are, the ways to them, whoever speaks for them, and their care team.

A *patient* is one person, registered once; an *identifier* is what some system calls them, always a pair
(system, value). A *contact point* is one way to reach them, with what they allow on it. A *proxy* may speak for
them, within a scope and for a time. The *care team* are the people who look after them. An *alert* is what
whoever opens the chart must see first. Two registrations of one person are *duplicates*; a *merge* chooses the
*survivor* and can be undone. *Breaking the glass* opens a chart that one may not see otherwise, for four hours,
with a reason that a privacy officer reviews. Who sees whom is `Patient.objects.visible_to(actor, now=now)`, nowhere
else.
"""
