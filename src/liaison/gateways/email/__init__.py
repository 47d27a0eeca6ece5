"""E-mail by SMTP (RFC 5321): what carries the inbox's e-mail, and the demonstration's mailbox.

`address.py` reads `SMTP_URL`, `mime.py` builds the mail, `transport.py` speaks to the server, `demo.py` is the
server that keeps what demonstration patients receive.
"""
