"""Why something about people, roles and sites is refused; the sentences say what to do next."""

from __future__ import annotations

from liaison.core.refusals import Refusal, constraint_refusal


class EmailTaken(Refusal):
    """Two people can't sign in with one address."""

    code = "accounts.email_taken"
    sentence = "Someone already signs in with this address. Open their account, or use another address."


class SiteCodeTaken(Refusal):
    """Site codes are unique."""

    code = "accounts.site_code_taken"
    sentence = "Another site has this code. Choose another one."


class PhoneNeeded(Refusal):
    """Messages tell patients to call the site."""

    code = "accounts.phone_needed"
    sentence = "Patients are told to call a site, so it needs a telephone number, such as (617) 555-0123."

    def __init__(self) -> None:
        super().__init__(fields={"phone": self.sentence})


class TeamNameTaken(Refusal):
    """Team names are unique at a site."""

    code = "accounts.team_name_taken"
    sentence = "This site has a team of that name. Choose another name."
    field = "name"


class RoleAlreadyHeld(Refusal):
    """The same role twice at one site says nothing."""

    code = "accounts.role_already_held"
    sentence = "This person holds this role there already."


class HeldEverywhere(Refusal):
    """Some roles look over the whole organization, or over nothing."""

    code = "accounts.held_everywhere"
    sentence = "A privacy officer reads the audit trail, which is of every site. Give this role for every site."
    field = "site"


class HasOpenWork(Refusal):
    """An account is never closed while something waits for its owner."""

    code = "accounts.has_open_work"
    sentence = "This person still holds open work. Hand it over first, then close the account."


class LeavesWork(Refusal):
    """A role does not end, and nobody leaves a team, while that would leave open work with who can't see it."""

    code = "accounts.leaves_work"
    sentence = "This would leave open work behind. Hand it over first, then do this again."


class LastAdministrator(Refusal):
    """Somebody must be able to give roles."""

    code = "accounts.last_administrator"
    sentence = "This is the last administrator. Give someone else the role first."


class NotOneself(Refusal):
    """What must be someone else's decision."""

    code = "accounts.not_oneself"
    sentence = "You can't do this to your own account. Ask another administrator."


class AdministratorExists(Refusal):
    """Only the first administrator comes from the command line unasked."""

    code = "accounts.administrator_exists"
    sentence = "Someone administers this installation already, and can add people and give roles on its pages."


class ReachesFurther(Refusal):
    """An administrator of one site does not act on somebody who also works at another."""

    code = "accounts.reaches_further"
    sentence = "This person also holds roles where you manage nobody. Ask an administrator of all these sites."
    status = 403


class AccountClosed(Refusal):
    """A closed account gets no roles."""

    code = "accounts.account_closed"
    sentence = "This account is closed. Open it again first."


constraint_refusal(
    "accounts_user_email_key",
    lambda: EmailTaken(fields={"email": "Someone already signs in with this address."}),
)
constraint_refusal("accounts_site_code_key", lambda: SiteCodeTaken(fields={"code": "Another site has this code."}))
constraint_refusal("accounts_team_once", TeamNameTaken)
constraint_refusal("accounts_assignment_once", RoleAlreadyHeld)
