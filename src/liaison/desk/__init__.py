"""The desk: what a coordinator looks at all day.

Home (every open loop's next step, the most urgent first), one loop with its story, the patient's page (band, open
loops, timeline, coming visits), the supervisor's board and the command palette. It is a door: it reads through the
packages' queries and posts to their addresses, and holds no rule of its own.

Words: a *tab* narrows the desk, a *panel* shows one loop beside it, the *band* is the part of a patient's page that
never scrolls away.
"""
