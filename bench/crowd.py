"""Many invented patients with loops, written with COPY: quicker than through actions, the same rows."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import psycopg

from bench.harness import NOW

LOOPS_EACH = 10
NOBODYS_PASSWORD = "nobody signs in with this"  # noqa: S105 - in a database that lives for a minute
SITES, TEAMS, PEOPLE = 3, 5, 25
MRN = "urn:oid:1.2.36.146.595.217.0.1"
GIVEN_NAMES = (
    "Walter June Rosa Marta Ruth José María Željko Chloé Nguyễn Anaïs Björn Zoë Søren Łucja Jürgen Inês "
    "Renée Ólafur Aaliyah Abdul Amara Andrei Anika Arjun Ayumi Beatriz Carlos Chen Dalia Dmitri Elena Emeka "
    "Fatima Giulia Hana Hassan Ibrahim Ines Isabel Ivan Jamal Jing Karim Keiko Kwame Lars Leila Lin Luca Mai "
    "Marco Mei Mohammed Nadia Noor Olga Omar Pedro Priya Rafael Raj Rania Sanjay Sara Sofia Tariq Thandi Uma "
    "Viktor Wei Xin Yara Yusuf Zainab Alice Brian Carol David Edith Frank Grace Henry Irene Jack Karen Louis "
    "Mary Nancy Oscar Paula Quentin Ralph Susan Thomas Ursula Vera "
)
FAMILY_NAMES = (
    "Ng Okafor Imani Álvarez Núñez Müller Kovač Świątek O'Brien Nakamura Garcia Smith Johnson Williams Brown "
    "Jones Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson Anderson Thomas Taylor Moore "
    "Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis Robinson Walker Young Allen "
    "King Wright Scott Torres Nguyen Hill Flores Green Adams Nelson Baker Hall Rivera Campbell Mitchell "
    "Carter Roberts Gomez Phillips Evans Turner Diaz Parker Cruz Edwards Collins Reyes Stewart Morris "
    "Morales Murphy Cook Rogers Gutierrez Ortiz Morgan Cooper Peterson Bailey Reed Kelly Howard Ramos Kim "
    "Cox Ward Richardson Watson Brooks Chavez Wood James Bennett Gray Mendoza Ruiz Hughes Price Patel Myers "
    "Long "
)
GIVEN, FAMILY = GIVEN_NAMES.split(), FAMILY_NAMES.split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """Who works there: primary keys, and the e-mail address of Rosa, who coordinates at the first site."""

    site_ids: tuple[int, ...]
    team_ids: tuple[int, ...]
    user_ids: tuple[int, ...]
    rosa_id: int


def hire() -> Staff:
    """Sites, teams and people through the product's own actions."""
    from liaison.accounts.access import Role
    from liaison.accounts.actions import add_person, add_site, add_team, give_role, set_teams
    from liaison.core.actor import system_actor

    liaison, since = system_actor("bench"), NOW - timedelta(days=400)
    sites = [
        add_site(
            actor=liaison, code=f"s{n}", name=f"Site {n}", time_zone="America/New_York", phone="617-555-0100", now=since
        )
        for n in range(SITES)
    ]
    teams = [add_team(actor=liaison, name=f"Team {n}", site=sites[n % SITES], now=since) for n in range(TEAMS)]
    people = []
    for n in range(PEOPLE):
        name = "Rosa" if n == 0 else f"Person {n}"
        person = add_person(
            actor=liaison, email=f"person{n}@bench.example", name=name, password=NOBODYS_PASSWORD, now=since
        )
        give_role(actor=liaison, person=person, role=Role.COORDINATOR, site=sites[n % SITES], now=since)
        set_teams(actor=liaison, person=person, teams=[teams[n % TEAMS]], now=since)
        people.append(person)
    return Staff(
        site_ids=tuple(site.pk for site in sites),
        team_ids=tuple(team.pk for team in teams),
        user_ids=tuple(person.pk for person in people),
        rosa_id=people[0].pk,
    )


def add_patients(url: str, *, staff: Staff, first: int, last: int, with_loops: bool) -> None:
    """Patients number `first` up to but not including `last`, each at one site, with a number, a phone and loops."""
    with psycopg.connect(url, options="-c search_path=liaison,public") as connection:
        _copy(connection, "patients_patient", PATIENT_COLUMNS, _patients(first, last))
        _copy(
            connection,
            "patients_patientsite",
            "patient_id, site_id, is_home",
            ((n, staff.site_ids[n % SITES], True) for n in range(first, last)),
        )
        _copy(
            connection,
            "patients_identifier",
            "patient_id, system, value, value_key, kind",
            ((n, MRN, f"MRN{n:08d}", f"mrn{n:08d}", "mrn") for n in range(first, last)),
        )
        _copy(connection, "patients_contactpoint", CONTACT_COLUMNS, _phones(first, last))
        if with_loops:
            _add_loops(connection, staff=staff, first=first, last=last)
        connection.commit()
        connection.autocommit = True
        connection.execute("ANALYZE")


def person_number(n: int) -> tuple[str, str, date]:
    """Given name, family name and birth date of patient number `n`: always the same."""
    draw = random.Random(n)
    born = date(1930, 1, 1) + timedelta(days=draw.randrange(33_000))
    family = draw.choice(FAMILY)
    if draw.random() < 0.3:
        family = f"{family}-{draw.choice(FAMILY)}"
    return draw.choice(GIVEN), family, born


PATIENT_COLUMNS = (
    "id, family, given, called_as, pronouns, birth_on, sex, is_deceased, spoken_language, written_language, "
    "interpreter_needed, mobility_needs, best_time, search_text, search_keys, registered_at, changed_at, version"
)
CONTACT_COLUMNS = (
    "patient_id, kind, use, value, value_key, city, state, postal_code, country, preferred, confidential, may_call, "
    "may_leave_message, may_text, may_email, note, added_at, bad_reason"
)


def _patients(first: int, last: int) -> Iterator[tuple[object, ...]]:
    from liaison.patients.models import Patient

    for n in range(first, last):
        given, family, born = person_number(n)
        patient = Patient(given=given, family=family)
        patient.refresh_search()
        yield (
            n, family, given, "", "", born, "female" if n % 2 else "male", False, "en", "en", False, "", "",
            patient.search_text, patient.search_keys, NOW, NOW, 1,
        )  # fmt: skip


def _phones(first: int, last: int) -> Iterator[tuple[object, ...]]:
    for n in range(first, last):
        number = f"+1212{5_550_000 + n:07d}"
        yield (
            n, "phone", "mobile", number, number.lstrip("+"), "", "", "", "US", True, False, True, True, True, False,
            "", NOW, "",
        )  # fmt: skip


def _add_loops(connection: psycopg.Connection, *, staff: Staff, first: int, last: int) -> None:
    """Seven of ten loops belong to a person, three to a team of the patient's site; a third is overdue."""
    connection.execute(
        """
        INSERT INTO loops_loop (kind, title, about_type, next_step, waiting_on, due_at, priority, urgent_at,
            snooze_reason, escalation_level, state, required_evidence, evidence_kinds, opened_at, opened_by_name,
            ended_by_name, given_up_reason, next_is_call, version, patient_id, site_id, owner_user_id, owner_team_id)
        SELECT 'task', 'Ask how it goes, ' || n, '', 'Call the patient', '', due_at, 'routine', due_at,
            '', 0, 'open', '{done}', '{}', %(now)s, 'bench', '', '', true, 1, patient,
            %(sites)s[1 + patient %% %(n_sites)s],
            CASE WHEN n <= 7 THEN %(users)s[1 + (patient + n * 7) %% %(n_users)s] END,
            CASE WHEN n > 7 THEN %(teams)s[1 + (patient + n) %% %(n_teams)s] END
        FROM generate_series(%(first)s::bigint, %(last)s::bigint - 1) AS patient, generate_series(1, %(each)s) AS n,
            LATERAL (SELECT %(now)s::timestamptz + make_interval(mins => ((patient * 7919 + n * 104729) %% 43200)::int
                - 14400) AS due_at) AS due
        """,
        {
            "now": NOW,
            "sites": list(staff.site_ids),
            "n_sites": SITES,
            "users": list(staff.user_ids),
            "n_users": PEOPLE,
            "teams": list(staff.team_ids),
            "n_teams": TEAMS,
            "first": first,
            "last": last,
            "each": LOOPS_EACH,
        },
    )


def _copy(connection: psycopg.Connection, table: str, columns: str, rows: Iterator[tuple[object, ...]]) -> None:
    with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
