"""The console: how Liaison is started, looked after and stopped from a terminal.

Words: a *cluster* is one embedded PostgreSQL server with its data folder; the *supervisor*
is the `liaison up` process that starts and watches the others (web, worker, events, post);
a *problem* is a failure that was to be expected and is told in one sentence, without a traceback.
"""
