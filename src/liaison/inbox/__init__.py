"""Every conversation with a patient, on any channel, out and in.

A *message* leaves by a *channel* (e-mail today) in a *category* (appointment, clinical, …) from a *template*
whose *wording* is versioned, in the patient's language. It is *queued*, *sending*, then *sent* or *delivered*,
or *failed*, *suppressed* with a reason, or *unknown*: handed over without an answer, so a person asks and it is
never sent again. A *transport* carries messages; gateways provide them. A *call* is logged with its *outcome*,
what was said and *teach-backs*; two *documented attempts* count as the rule says. A *note* is what somebody wrote
down besides; it is added to or *struck out*, never changed. A *preference* is what the
patient said about a channel and category; the last one counts. A message that failed opens a loop, so that
somebody reaches the patient another way.
"""
