"""What an invitation says in the patient's language: neutral, nothing clinical (DOMAIN 1.8)."""

from liaison.core.languages import main_language

_SUMMARY = {"en": "Appointment with {organization}", "es": "Cita con {organization}"}
_REMOTE = {
    ("en", "video"): "By video",
    ("es", "video"): "Por video",
    ("en", "phone"): "By phone",
    ("es", "phone"): "Por teléfono",
}


def language_of_invitation(*tags: str) -> str:
    """The language we write in for the first BCP-47 tag that is there; English when we have no texts in it."""
    first = next((tag for tag in tags if tag), "en")
    primary = main_language(first)
    return primary if primary in _SUMMARY else "en"


def invitation_summary(*, organization: str, language: str) -> str:
    """The title of the event: with whom in general, never with which clinician or for what."""
    return _SUMMARY[language].format(organization=organization)


def invitation_place(*, site_name: str, address: str, modality: str, language: str) -> str:
    """Where the patient must be: the site and its address on one line, or how we meet from afar."""
    remote = _REMOTE.get((language, modality))
    return remote or ", ".join(part for part in (site_name, " ".join(address.split())) if part)
