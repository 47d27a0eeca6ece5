"""Settings, URLs and the doors' entry points (WSGI for pages, ASGI for live events): nothing else."""
