"""Records: the clinical chart as it was received, and what is read from it.

A *source* is one file (later: one feed) that resources came from. A *resource* is one FHIR R4 resource, kept
exactly as it came; when the same id comes again with other content, the old one stays as an *earlier version*.
A *fact* is one narrow row read from a resource (patient, kind, code, when, value) for protocols and reports;
facts and headlines can be rebuilt from the resources at any time. A *pending reference* points at something
that has not come yet; it is resolved when its target comes, in whatever order the files arrive. A *reject* is
something that was refused on the way in, with file, path and reason; a *note* is something worth knowing about
what was kept.
"""
