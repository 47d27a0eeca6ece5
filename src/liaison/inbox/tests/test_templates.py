"""Texts to patients, changed by a supervisor: checked, versioned, and never under a message that was written."""

from __future__ import annotations

import pytest

from liaison.accounts.access import Role
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound, Stale
from liaison.inbox import actions, queries
from liaison.inbox.models import Template
from liaison.inbox.rules.editing import Text, problems_of
from liaison.inbox.tests.cast import NOW, Cast, person
from liaison.inbox.tests.test_screens import a_message, signed_in
from liaison.inbox.wording import catalogue

EN = Text(subject="Call us, {called_as}", body="Hello {called_as},\n\nplease call {phone}.\n\n{org}")
ES = Text(subject="Llámenos, {called_as}", body="Hola, {called_as}:\n\nllame al {phone}.\n\n{org}")
CODE = "please-call"


def edit(cast: Cast, *, en: Text = EN, es: Text = ES, version: int | None = None) -> int:
    """Marta changes the text that asks for a call."""
    seen = queries.template_sheet(cast.marta, code=CODE).version if version is None else version
    return actions.edit_template(cast.marta, code=CODE, texts={"en": en, "es": es}, expected_version=seen, now=NOW)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (Text(subject="A {org}", body="{called_as}"), {}),
        (Text(subject=" ", body=" "), {"subject": "Write something", "body": "Write something"}),
        (Text(subject="x" * 201, body="{called_as} {org}"), {"subject": "At most 200"}),
        (Text(subject="a", body="{called_as} {org} {diagnosis}"), {"body": "Nobody would fill in {diagnosis}"}),
        (Text(subject="a {", body="{called_as} {org}"), {"subject": "a brace that belongs"}),
        (Text(subject="a", body="{called_as} {org} }"), {"body": "a brace that belongs"}),
        (Text(subject="a", body="{called_as}"), {"body": "must say {org}"}),
        (Text(subject="a", body="{called_as} {Org}"), {"body": "a brace that belongs"}),
    ],
)
def test_a_text_is_checked_before_patients_get_it(text: Text, wrong: dict[str, str]) -> None:
    found = problems_of(text, required=frozenset({"called_as", "org"}), allowed=frozenset({"called_as", "org"}))
    assert set(found) == set(wrong)
    assert all(words in found[name] for name, words in wrong.items())


def test_new_messages_use_the_new_text_and_old_ones_keep_theirs(cast: Cast) -> None:
    before = a_message(cast, key="1")
    assert edit(cast) == 1_001
    after = a_message(cast, key="2")
    assert after.subject == "Call us, Walter"
    assert after.template is not None
    assert (after.template.version, after.template.edited_by_name) == (1_001, "Marta")
    before.refresh_from_db()
    assert before.subject != after.subject
    cast.change(cast.walter, written_language="es")
    assert a_message(cast, key="3").subject == "Llámenos, Walter"
    assert edit(cast) == 1_002
    assert AuditEntry.objects.filter(verb="inbox.edit_templates", outcome="done").count() == 2


def test_the_text_as_it_came_can_be_put_back(cast: Cast) -> None:
    edit(cast)
    actions.restore_template(cast.marta, code=CODE, now=NOW)
    sheet = queries.template_sheet(cast.marta, code=CODE)
    assert (sheet.texts["en"].body, sheet.is_edited) == (catalogue()[CODE, "en"].body, False)
    assert [row.edited_by for row in sheet.edited] == ["Marta"]
    assert Template.objects.filter(edited_at__isnull=False).count() == 2
    assert edit(cast) == 1_002
    with pytest.raises(NotFound):
        actions.restore_template(cast.marta, code="valentine", now=NOW)


def test_a_wrong_text_is_refused_with_its_language_and_nothing_changes(cast: Cast) -> None:
    with pytest.raises(actions.TextWrong) as refused:
        edit(cast, es=Text(subject="Hola", body="{result}"))
    assert set(refused.value.fields) == {"es_body"}
    assert not Template.objects.filter(edited_at__isnull=False).exists()
    with pytest.raises(NotFound):
        actions.edit_template(cast.marta, code=CODE, texts={"en": EN}, expected_version=1, now=NOW)


def test_a_text_of_ones_own_words_must_keep_their_place(cast: Cast) -> None:
    with pytest.raises(actions.TextWrong) as refused:
        actions.edit_template(cast.marta, code="note", texts={"en": EN, "es": ES}, expected_version=1, now=NOW)
    assert "{text}" in refused.value.fields["en_body"]


def test_two_supervisors_at_once_do_not_overwrite_each_other(cast: Cast) -> None:
    edit(cast)
    with pytest.raises(Stale):
        edit(cast, version=1)


def test_only_supervisors_change_texts(cast: Cast) -> None:
    for do in (
        lambda: queries.templates(cast.rosa),
        lambda: queries.template_sheet(cast.rosa, code=CODE),
        lambda: actions.restore_template(cast.rosa, code=CODE, now=NOW),
    ):
        with pytest.raises(Forbidden):
            do()
    with pytest.raises(NotFound):
        queries.template_sheet(cast.marta, code="valentine")
    assert queries.wording_for("valentine", "en") is None


def test_a_supervisor_of_one_site_does_not_change_what_the_patients_of_all_sites_read(cast: Cast) -> None:
    with writes_open():
        user, sue = person("Sue", role=Role.SUPERVISOR, site=cast.site)
    texts = {"en": EN, "es": ES}
    for do in (
        lambda: queries.templates(sue),
        lambda: queries.template_sheet(sue, code=CODE),
        lambda: actions.edit_template(sue, code=CODE, texts=texts, expected_version=1, now=NOW),
        lambda: actions.restore_template(sue, code=CODE, now=NOW),
    ):
        with pytest.raises(Forbidden):
            do()
    assert not Template.objects.filter(edited_at__isnull=False).exists()
    browser = signed_in(user)
    assert "/messages/templates/" not in browser.get("/messages/").content.decode()
    assert browser.get(f"/messages/templates/{CODE}/").status_code == 403
    form = {"en_subject": "a", "en_body": "b", "es_subject": "c", "es_body": "d", "version": "1"}
    assert browser.post(f"/messages/templates/{CODE}/", form).status_code == 403
    assert browser.post(f"/messages/templates/{CODE}/restore/").status_code == 403


def test_the_screens(cast: Cast) -> None:
    with writes_open():
        paula, _ = person("Paula", role=Role.SUPERVISOR, site=None)
    browser = signed_in(paula)
    assert "/messages/templates/" in browser.get("/messages/").content.decode()
    assert "as it came" in browser.get("/messages/templates/").content.decode()
    url = f"/messages/templates/{CODE}/"
    assert "What a patient reads" in browser.get(url).content.decode()
    form = {"en_subject": EN.subject, "en_body": EN.body, "es_subject": ES.subject, "es_body": ES.body, "version": "1"}
    preview = browser.post(url, form | {"preview": "1"}).content.decode()
    assert "Call us, Walter" in preview
    assert "Llámenos, Walter" in preview
    assert not Template.objects.filter(edited_at__isnull=False).exists()
    wrong = browser.post(url, form | {"es_body": "{result}"})
    assert wrong.status_code == 422
    assert "Nobody would fill in" in wrong.content.decode()
    assert browser.post(url, form)["Location"] == "/messages/templates/"
    assert "Paula" in browser.get("/messages/templates/").content.decode()
    assert browser.post(url, form)["Location"] == "/messages/templates/", "the same form, sent twice at once"
    assert Template.objects.filter(edited_at__isnull=False).count() == 2
    stale = browser.post(url, form | {"en_subject": "Call us"})
    assert stale.status_code == 409
    assert "Someone changed this meanwhile" in stale.content.decode()
    assert stale.content.decode().count("It now says") == 1
    assert browser.post(f"{url}restore/")["Location"] == url
    rosa = signed_in(cast.rosa_user)
    for page in ("/messages/templates/", url):
        assert rosa.get(page).status_code == 403
    assert browser.get("/messages/templates/valentine/").status_code == 404


def test_who_comes_second_is_told_in_both_languages_what_the_text_says_now_and_may_put_theirs_in_force(
    cast: Cast,
) -> None:
    with writes_open():
        paula, _ = person("Paula", role=Role.SUPERVISOR, site=None)
    browser, url = signed_in(paula), f"/messages/templates/{CODE}/"
    form = {"en_subject": EN.subject, "en_body": EN.body, "es_subject": ES.subject, "es_body": ES.body, "version": "1"}
    assert browser.post(url, form | {"es_subject": "Llame pronto"}).status_code == 302
    page = browser.post(url, form | {"en_subject": "Please ring us"})
    assert page.status_code == 409
    said = page.content.decode()
    assert f"It now says: {EN.subject}" in said
    assert "It now says: Llame pronto" in said
    assert said.count("It now says") == 2
    assert 'value="Please ring us"' in said
    version = Template.objects.filter(code=CODE, edited_at__isnull=False).latest("version").version
    assert f'name="version" value="{version}"' in said
    again = browser.post(url, form | {"en_subject": "Please ring us", "version": str(version)})
    assert again.status_code == 302
