"""A patient is reminded of a visit by mail when the day comes, and not of one that was cancelled."""

import email
import re
from datetime import UTC, timedelta
from email import policy
from zoneinfo import ZoneInfo

import psycopg
import pytest
from playwright.sync_api import expect

from tests.journeys.read_off import arrive, settled

pytestmark = pytest.mark.journey

NEW_YORK = ZoneInfo("America/New_York")
TEN_DAYS = timedelta(days=10)
VISIT = "SELECT id, start_at FROM scheduling_appointment WHERE patient_id = %s AND start_at > %s"
MESSAGES = "SELECT state FROM inbox_message WHERE idempotency_key = %s"
JOBS = (
    "SELECT status::text FROM procrastinate_jobs WHERE task_name = 'scheduling.remind'"
    " AND args ->> 'kind' = 'week' AND (args ->> 'appointment_id')::bigint = %s"
)


def test_a_week_before_the_visit_its_reminder_comes_by_mail_and_none_for_the_cancelled_one(as_person, home):
    with home.open() as clinic:
        kept, cancelled = _two_who_may_be_written_to(clinic)
        rosa = as_person("Rosa Delgado", at=clinic)
        visit_id, start_at = _book(rosa, clinic, kept, not_before=clinic.now().astimezone(NEW_YORK) + TEN_DAYS)
        other_id, other_at = _book(rosa, clinic, cancelled, not_before=start_at.astimezone(NEW_YORK))
        assert other_at.astimezone(NEW_YORK).date() == start_at.astimezone(NEW_YORK).date()
        for one in (visit_id, other_id):
            assert clinic.until(lambda one=one: clinic.rows(MESSAGES, f"visit:{one}:appointment-confirmation"))
            assert clinic.rows(JOBS, one) == [("todo",)]
        page = rosa.open(f"/appointments/{other_id}/")
        page.locator("main").get_by_role("link", name="Cancel").first.click()
        page.get_by_label("Why").select_option(value="pat")
        page.get_by_role("button", name="Cancel the visit").click()
        expect(page.locator("#undo [data-undo-said]")).to_contain_text("Cancelled.")
        assert clinic.value("SELECT state FROM scheduling_appointment WHERE id = %s", other_id) == "cancelled"
        assert clinic.until(lambda: _mails_to(clinic, cancelled, " is off"))

    day = start_at.astimezone(NEW_YORK).replace(hour=10, minute=5, second=0) - timedelta(days=7)
    _let_the_days_pass(clinic, visit_id, other_id)
    with home.open("--as-of", day.astimezone(UTC).isoformat(), offset=None) as clinic:
        mails = clinic.until(lambda: _mails_to(clinic, kept, "reminder"), seconds=60)
        assert [subject.partition(":")[0] for subject, _ in mails] == ["Reminder"]
        assert f"{start_at.astimezone(NEW_YORK):%-I:%M %p}" in mails[0][1]
        assert clinic.until(lambda: clinic.rows(MESSAGES, f"visit:{visit_id}:remind:week") == [("sent",)])
        assert clinic.until(lambda: clinic.rows(JOBS, other_id) == [("succeeded",)])
        assert clinic.rows(MESSAGES, f"visit:{other_id}:remind:week") == []
        assert _mails_to(clinic, cancelled, "reminder") == []
        page = as_person("Rosa Delgado", at=clinic).open(f"/patients/{kept}/")
        expect(page.locator(".l-happened")).to_contain_text(re.compile("reminder", re.IGNORECASE))


def _two_who_may_be_written_to(clinic):
    rows = clinic.rows(
        "SELECT DISTINCT p.patient_id FROM patients_contactpoint p JOIN patients_patientsite s USING (patient_id)"
        " JOIN accounts_site a ON a.id = s.site_id AND a.code = 'RIV'"
        " JOIN patients_patient q ON q.id = p.patient_id AND q.written_language = 'en' AND q.deceased_on IS NULL"
        " WHERE p.kind = 'email' AND p.may_email AND NOT EXISTS (SELECT 1 FROM patients_proxy x"
        "  WHERE x.patient_id = p.patient_id)"
        " AND NOT EXISTS (SELECT 1 FROM scheduling_appointment v WHERE v.patient_id = p.patient_id"
        "  AND v.start_at > %s) ORDER BY p.patient_id LIMIT 2", clinic.now(),
    )  # fmt: skip
    return [patient_id for (patient_id,) in rows]


def _book(rosa, clinic, patient_id, *, not_before):
    page = rosa.open(f"/book/?patient={patient_id}&not_before={not_before:%Y-%m-%d}")
    page.locator("select[name=visit_type]").select_option(label="Office visit, 20 min")
    settled(page)
    page.get_by_role("button", name="Book this time").click()
    arrive(page, r"/appointments/\d+/")
    return clinic.rows(VISIT, patient_id, clinic.now())[0]


def _let_the_days_pass(clinic, *appointment_ids):
    """The queue goes by the real clock, which no test can move: what waits for a later day is due now."""
    with psycopg.connect(clinic.database_url, options="-c search_path=liaison,public") as connection:
        connection.execute(
            "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE task_name = 'scheduling.remind'"
            " AND args ->> 'kind' = 'week' AND (args ->> 'appointment_id')::bigint = ANY (%s)",
            [list(appointment_ids)],
        )


def _mails_to(clinic, patient_id, word):
    """Subject and text of the mails to a patient whose subject has this word."""
    address = clinic.value(
        "SELECT value FROM patients_contactpoint WHERE patient_id = %s AND kind = 'email'", patient_id
    )
    found = []
    for raw in clinic.mails():
        mail = email.message_from_string(raw, policy=policy.default)
        if address in str(mail["To"]) and word in str(mail["Subject"]).lower():
            found.append((str(mail["Subject"]), mail.get_body(preferencelist=("plain",)).get_content()))
    return found
