"""The ledger of promises: every open thing a patient was promised, until evidence proves it kept.

A *loop* has a kind and a patient. Somebody owns it at any time, be it a person or a team; its one *next step* is
due at some time; and it ends with *evidence* that all went well, or with the reason why it was given up.
A *clock* is one deadline of a loop, with the rule and the event it runs from. The *story* of a loop
is everything that happened to it, in words. The *desk* is every open loop's next step, the most
urgent first; *urgent at* is the one instant that orders it: the due time, moved earlier by priority.
A loop nobody moves climbs the *escalation ladder*. Packages above register their kinds through
``ports`` and move their loops through ``actions``; the database itself refuses an open loop without
owner, step and due time, and a closed one without its evidence.
"""
