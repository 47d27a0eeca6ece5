"""The FHIR R4 interface (not built yet: this folder holds the place in the layers)."""
