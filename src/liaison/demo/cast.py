"""Who is in the demonstration clinic: sites, staff and the names patients are made of. All invented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSite:
    """One place of the clinic."""

    code: str
    name: str
    address: str
    phone: str
    rooms: tuple[str, ...]
    time_zone: str = "America/New_York"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPerson:
    """One member of staff. `site` is a code, or empty for every site;
    `specialty` (a code of the directory) makes them a clinician."""

    name: str
    role: str
    site: str
    team: str = ""
    specialty: str = ""

    @property
    def email(self) -> str:
        """Their address: first.last@riverside.example."""
        words = self.name.removeprefix("Dr ").lower().replace("'", "").split()
        return f"{'.'.join(words)}@riverside.example"


SITES: Final = (
    DemoSite(
        code="RIV",
        name="Riverside Main",
        address="100 Riverside Drive, Albany NY 12207",
        phone="+15185550100",
        rooms=("Room 1", "Room 2", "Room 3", "Room 4", "Room 5", "Echo room"),
    ),
    DemoSite(
        code="NOR",
        name="Northgate",
        address="22 Northgate Plaza, Troy NY 12180",
        phone="+15185550122",
        rooms=("Room A", "Room B", "Room C"),
    ),
    DemoSite(
        code="HAR",
        name="Harbor Specialty",
        address="7 Harbor Street, Hudson NY 12534",
        phone="+15185550107",
        rooms=("Suite 1", "Suite 2", "Suite 3", "Stress lab"),
    ),
)

TEAMS: Final = (("Care coordination", "RIV"), ("Northgate desk", "NOR"), ("Referrals", ""), ("Front desk", "RIV"))

STAFF: Final = (
    DemoPerson(name="Rosa Delgado", role="coordinator", site="RIV", team="Care coordination"),
    DemoPerson(name="Theo Lindqvist", role="coordinator", site="RIV", team="Care coordination"),
    DemoPerson(name="Aisha Bello", role="coordinator", site="RIV", team="Care coordination"),
    DemoPerson(name="Grace Okafor", role="coordinator", site="RIV", team="Referrals"),
    DemoPerson(name="Samir Haddad", role="coordinator", site="RIV", team="Referrals"),
    DemoPerson(name="Pat Morrow", role="coordinator", site="NOR", team="Northgate desk"),
    DemoPerson(name="Lena Fischer", role="coordinator", site="NOR", team="Northgate desk"),
    DemoPerson(name="Marta Kowalska", role="supervisor", site="", team="Care coordination"),
    DemoPerson(name="Dr Imani Achebe", role="clinician", site="RIV", specialty="family_medicine"),
    DemoPerson(name="Dr Walter Stone", role="clinician", site="RIV", specialty="internal_medicine"),
    DemoPerson(name="Dr Noor Rahman", role="clinician", site="RIV", specialty="family_medicine"),
    DemoPerson(name="Dr Elena Petrova", role="clinician", site="NOR", specialty="family_medicine"),
    DemoPerson(name="Dr James Whitfield", role="clinician", site="NOR", specialty="internal_medicine"),
    DemoPerson(name="Dr Mei Tanaka", role="clinician", site="HAR", specialty="cardiology"),
    DemoPerson(name="Dr Omar Farouk", role="clinician", site="HAR", specialty="cardiology"),
    DemoPerson(name="Dr Ruth Feldman", role="clinician", site="HAR", specialty="orthopedics"),
    DemoPerson(name="Dr Luis Ortega", role="clinician", site="HAR", specialty="gastroenterology"),
    DemoPerson(name="Dr Hana Suzuki", role="clinician", site="HAR", specialty="neurology"),
    DemoPerson(name="Kofi Mensah", role="front_desk", site="RIV", team="Front desk"),
    DemoPerson(name="Bridget Nolan", role="front_desk", site="NOR"),
    DemoPerson(name="Joao Pereira", role="front_desk", site="HAR"),
    DemoPerson(name="Irene Castellano", role="billing", site=""),
    DemoPerson(name="Desmond Clarke", role="records_clerk", site=""),
    DemoPerson(name="Priya Nair", role="privacy_officer", site=""),
    DemoPerson(name="Adam Novak", role="administrator", site=""),
)

WOMEN: Final = (
    "Abigail Adela Agnes Alma Amara Anh Ayesha Beatriz Camila Carmen Chioma Clara Dolores Edith Elsie Esperanza "
    "Fatima Frances Gloria Guadalupe Helen Ines Irma Jade Josephine Keiko Leticia Lucia Mabel Maribel Mei Mirna "
    "Nadia Olga Opal Paloma Rosalind Ruth Saanvi Simone Socorro Soledad Thuy Vera Wanda Ximena Yolanda Zofia"
).split()
MEN: Final = (
    "Aarav Abel Alonzo Amir Andre Anton Arturo Bashir Benito Caleb Cedric Curtis Damian Dario Demetrius Eamon "
    "Efrain Emeka Esteban Felix Floyd Gerald Hector Hiroshi Hung Ignacio Isaac Ivan Jamal Joaquin Kwame Leopold "
    "Lorenzo Luther Mateo Minh Moses Nikolai Orlando Oswaldo Percy Rafael Reuben Salvador Silas Tariq Vernon Wei"
).split()
FAMILIES: Final = (
    "Abernathy Acosta Adeyemi Aguilar Ahmed Alvarez Bautista Becker Begum Bianchi Boateng Brennan Caballero "
    "Castillo Cervantes Chaudhry Chen Coleman Contreras Cruz Dang Delacroix Diallo Dominguez Donnelly Eriksen "
    "Escobar Espinoza Fairbanks Flores Fontaine Gallagher Garza Goldberg Gonzales Greene Guerrero Gupta Haines "
    "Hakimi Hernandez Herrera Hoang Holloway Huang Ibarra Ivanova Jankowski Jimenez Kaminski Kapoor Kim Kovacs "
    "Lambert Larsen Le Lozano Maldonado Mancini Marquez McBride Medina Mejia Mensah Meyer Molina Montoya Morales "
    "Mwangi Nakamura Navarro Nguyen Novotny Nunez Obi Ochoa Okonkwo Ortiz Osei Padilla Palmer Patel Pham Pineda "
    "Quintero Ramirez Rasmussen Reyes Rivas Romero Rossi Salazar Santiago Schwartz Serrano Shah Silva Solis Soto "
    "Takahashi Thorne Tran Trujillo Uddin Valdez Vargas Velasco Villanueva Volkov Vu Walsh Washington Whitaker "
    "Xiong Yamamoto Ybarra Young Zamora Zapata Zielinski"
).split()
STREETS: Final = (
    "Elm Street",
    "Hudson Avenue",
    "Maple Court",
    "Mill Road",
    "Orchard Lane",
    "Second Street",
    "State Street",
)
LANGUAGES: Final = (("en", 70), ("es", 20), ("zh", 3), ("vi", 3), ("ar", 2), ("ase", 2))
OUTSIDE: Final = (
    ("Hudson Valley Heart", "+15185550190", ("cardiology",)),
    ("Capital Orthopedics", "+15185550191", ("orthopedics", "physical_therapy")),
    ("Albany Digestive Health", "+15185550194", ("gastroenterology",)),
    ("Upper Hudson Neurology", "+15185550195", ("neurology",)),
    ("Mohawk Eye Center", "+15185550192", ("ophthalmology",)),
    ("Catskill Behavioral Health", "+15185550193", ("psychiatry", "psychology")),
)
