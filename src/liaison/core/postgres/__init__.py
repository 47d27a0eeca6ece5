"""The PostgreSQL engine of Django with Liaison's write guard (see `base` and `guard`)."""
