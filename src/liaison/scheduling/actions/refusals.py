"""What scheduling refuses, and what to do next. Raised by its actions and by the database's constraints."""

from typing import ClassVar

from liaison.core.refusals import Conflict, Forbidden, Refusal


class NotYourSite(Forbidden):
    """The time of a site, and of who works there, is given by those who book there."""

    code = "scheduling.not_your_site"
    sentence = "You don't book visits there. Choose another place, or ask somebody who works there."


class AskedElsewhere(Refusal):
    """A visit at another place would mark the referral as arranged where nobody sees to it."""

    code = "scheduling.asked_elsewhere"
    sentence = (
        "Whom the referral asks does not work there, so this would not be its visit. Choose their place, or send the "
        "referral to somebody there first."
    )


class Warned(Refusal):
    """What a person may book against with a reason. `is_for_everybody`: whoever books may; else a permission is needed.

    `met` names all that stood against the booking, each for its time and its visits, so that a reason given for that
    never covers something else; `others` are the sentences beside the first.
    """

    is_for_everybody: ClassVar[bool] = False
    met: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


class NotFree(Warned, Conflict):
    """Somebody else has this time of a resource."""

    code = "scheduling.not_free"
    sentence = "This time was just given to someone else. Choose another; what you typed is still here."


class OutsideHours(Warned):
    """A resource does not work then."""

    code = "scheduling.outside_hours"
    sentence = "That is outside working hours there. Choose another time, or ask someone who may override."


class TooLate(Warned):
    """Sooner than the visit type allows, or past."""

    code = "scheduling.too_late"
    sentence = "That start is too soon for this kind of visit. Choose a later time."


class TooFar(Warned):
    """Further ahead than the visit type allows."""

    code = "scheduling.too_far"
    sentence = "That start is further ahead than this kind of visit may be booked. Choose an earlier time."


class PatientBusy(Warned):
    """The patient has another visit at that time."""

    code = "scheduling.patient_busy"
    sentence = "The patient has another visit at that time. Choose another, or say why both should stand."
    field: ClassVar[str] = "override_reason"
    is_for_everybody = True


class DuplicateVisit(Warned):
    """The patient has this kind of visit with the same clinician on that day."""

    code = "scheduling.duplicate_visit"
    sentence = (
        "The patient already has this kind of visit with the same clinician that day. "
        "Choose another day, or say why both should stand."
    )
    is_for_everybody = True


class SecondVisit(Warned):
    """The promise or the referral has a visit ahead already."""

    code = "scheduling.second_visit"
    sentence = "There is a visit for this already. Leave it at that, or say why there should be a second one."
    is_for_everybody = True


class NoTimeToTravel(Warned):
    """The patient can hardly come from one site to the other."""

    code = "scheduling.no_time_to_travel"
    sentence = "The patient is at another site shortly before or after. Choose another time, or say why both stand."
    is_for_everybody = True


class JourneyGap(Warned):
    """The visit belongs to others, and would not lie to them as was asked."""

    code = "scheduling.journey_gap"
    sentence = "The visit would not lie to those that it belongs to as was asked. Choose another time, or say why."
    is_for_everybody = True


class WrongSeats(Refusal):
    """The resources do not make up what the visit type needs."""

    code = "scheduling.wrong_seats"
    sentence = "These people and rooms do not make up what this kind of visit needs. Search again."


class ReferralNeeded(Refusal):
    """This kind of visit is booked from a referral only."""

    code = "scheduling.referral_needed"
    sentence = "This kind of visit needs a referral. Book it from the referral, or refer the patient first."


class CannotChange(Refusal):
    """The state of the appointment does not allow it."""

    code = "scheduling.cannot_change"
    sentence = "The appointment can't change like that any more. Look at what it says now."
    status = 409


class MovedMeanwhile(CannotChange):
    """Somebody else moved the visit first."""

    code = "scheduling.moved_meanwhile"
    sentence = "Somebody moved this visit meanwhile. Nothing of yours was changed: look at where it is now."


class CannotServe(Refusal):
    """The visit, or the promise, is none of which somebody could say so."""

    code = "scheduling.cannot_serve"
    sentence = "This visit can't be counted for that any more. Look at what both say now."
    status = 409


class WentOn(Refusal):
    """Something was built on what was to be taken back."""

    code = "scheduling.went_on"
    sentence = (
        "This can't be taken back any more: the visit or what it is for went on since. Look at both, and change what "
        "is not so now."
    )
    status = 409


class DeadPatient(Refusal):
    """Nobody looks for a time for somebody who died, nor books one."""

    code = "scheduling.patient_died"
    sentence = (
        "The patient has died: nothing is looked for or booked any more. If that is a mistake, take it back on the "
        "patient's page first."
    )


class KeyReused(Refusal):
    """One key, two different bookings."""

    code = "scheduling.key_reused"
    sentence = "This form was already used for another booking. Open it again to book one more."
    status = 409


class Impossible(Refusal):
    """Times or amounts that cannot be."""

    code = "scheduling.impossible"
    sentence = "These values can't be. Mend them and try again."


class AlreadyOffered(Conflict):
    """One offer at a time."""

    code = "scheduling.already_offered"
    sentence = "This patient has an offer already. Wait for the answer, or withdraw it first."


class NoLongerFits(Conflict):
    """The time was taken, or does not suit this patient any more."""

    code = "scheduling.no_longer_fits"
    sentence = "This time is not free for this patient any more. The list below is fresh: choose another."


class TooLateToOffer(Refusal):
    """The time is so near that nobody could answer."""

    code = "scheduling.too_late_to_offer"
    sentence = "This time starts too soon to wait for an answer. Call the patient and book it directly."


class NoMail(Refusal):
    """An offer by mail needs an address that may be used."""

    code = "scheduling.no_mail"
    sentence = "This patient can't be reached by mail. Offer it on the phone."


class OfferOver(Conflict):
    """The offer was answered, withdrawn or taken by somebody else, or its time ran out."""

    code = "scheduling.offer_over"
    sentence = "This offer has ended. Look at what became of it."


class HeldForOffer(Refusal):
    """A time that is held is given back by withdrawing the offer."""

    code = "scheduling.held_for_offer"
    sentence = "This time is held for an offer to somebody on the waitlist. Withdraw the offer instead."
    status = 409


class CancelledSince(Conflict):
    """The form booked something that was cancelled since."""

    code = "scheduling.cancelled_since"
    sentence = "This form booked the visit before, and it was cancelled since. Look for a time anew."


class HoldOver(Conflict):
    """A time that was held is taken, given up or lapsed."""

    code = "scheduling.hold_over"
    sentence = "This time is not held any more. Look for a time anew."


class HeldClosed(Conflict):
    """A time that was held was closed since, or somebody does not work then any more."""

    code = "scheduling.held_closed"
    sentence = "This time is only held, and was closed since. Give it up and look for another."


class TooManyHolds(Refusal):
    """Each time that is held is one that nobody else can have."""

    code = "scheduling.too_many_holds"
    sentence = "Three times are held for this patient already. Take one of them or give one up first."


class OnlyHeld(Refusal):
    """A time that is held is taken or given up."""

    code = "scheduling.only_held"
    sentence = "This time is only held. Book it, or give it up and look for another one."
    status = 409


class ReasonMissing(Refusal):
    """Colleagues will ask why."""

    code = "scheduling.reason_missing"
    sentence = "Say why: colleagues will see it."
    field = "reason"
