"""The rules of the chart as received: reading FHIR R4 files, references, dates, facts and headlines. No Django."""
