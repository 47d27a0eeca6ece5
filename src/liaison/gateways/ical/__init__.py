"""iCalendar invitations (RFC 5545, RFC 5546): what mail programs read as one event through all its changes.

`writer.py` turns scheduling's `Invitation` into the file, `reader.py` reads
what calendars answer. Nothing clinical goes in: the summary is neutral, the
class is private, and the detail waits behind the link.
"""
