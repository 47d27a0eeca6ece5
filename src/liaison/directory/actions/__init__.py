"""The only writes to the directory."""

from liaison.directory.actions.adding import AddedAlready, LooksLikeAnEntry, Sent, add_organization, add_practitioner
from liaison.directory.actions.changing import change_organization, change_practitioner
from liaison.directory.actions.details import EntryWrong, OrganizationDetails, PractitionerDetails
from liaison.directory.actions.retiring import offer_again, retire_entry

__all__ = [
    "AddedAlready",
    "EntryWrong",
    "LooksLikeAnEntry",
    "OrganizationDetails",
    "PractitionerDetails",
    "Sent",
    "add_organization",
    "add_practitioner",
    "change_organization",
    "change_practitioner",
    "offer_again",
    "retire_entry",
]
