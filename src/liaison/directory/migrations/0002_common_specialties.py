"""The specialties that referrals ask for most, with their codes of the NUCC provider taxonomy."""

from typing import Any

from django.db import migrations

SPECIALTIES = [
    ("allergy", "Allergy and immunology", "207K00000X"),
    ("cardiology", "Cardiology", "207RC0000X"),
    ("dermatology", "Dermatology", "207N00000X"),
    ("endocrinology", "Endocrinology", "207RE0101X"),
    ("family_medicine", "Family medicine", "207Q00000X"),
    ("gastroenterology", "Gastroenterology", "207RG0100X"),
    ("general_surgery", "General surgery", "208600000X"),
    ("geriatrics", "Geriatrics", "207RG0300X"),
    ("hematology_oncology", "Hematology and oncology", "207RH0003X"),
    ("infectious_disease", "Infectious disease", "207RI0200X"),
    ("internal_medicine", "Internal medicine", "207R00000X"),
    ("nephrology", "Nephrology", "207RN0300X"),
    ("neurology", "Neurology", "2084N0400X"),
    ("nutrition", "Nutrition", "133V00000X"),
    ("obstetrics_gynecology", "Obstetrics and gynecology", "207V00000X"),
    ("occupational_therapy", "Occupational therapy", "225X00000X"),
    ("ophthalmology", "Ophthalmology", "207W00000X"),
    ("orthopedics", "Orthopedic surgery", "207X00000X"),
    ("otolaryngology", "Ear, nose and throat", "207Y00000X"),
    ("pain_medicine", "Pain medicine", "208VP0000X"),
    ("pediatrics", "Pediatrics", "208000000X"),
    ("physical_therapy", "Physical therapy", "225100000X"),
    ("podiatry", "Podiatry", "213E00000X"),
    ("psychiatry", "Psychiatry", "2084P0800X"),
    ("psychology", "Psychology", "103T00000X"),
    ("pulmonology", "Pulmonology", "207RP1001X"),
    ("radiology", "Radiology", "2085R0202X"),
    ("rheumatology", "Rheumatology", "207RR0500X"),
    ("social_work", "Clinical social work", "1041C0700X"),
    ("speech_therapy", "Speech and language therapy", "235Z00000X"),
    ("urology", "Urology", "208800000X"),
]


def add(apps: Any, _schema_editor: Any) -> None:
    """Add each that is missing."""
    specialty = apps.get_model("directory", "Specialty")
    for code, name, taxonomy in SPECIALTIES:
        specialty.objects.get_or_create(code=code, defaults={"name": name, "taxonomy": taxonomy})


class Migration(migrations.Migration):
    """Rows only."""

    dependencies = [("directory", "0001_practitioners_organizations_and_specialties")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
