"""Everything that is done with messages and calls."""

from liaison.inbox.actions.calls import (
    CallInTheFuture,
    NextAttemptPast,
    NotForThem,
    SayWhatWasSaid,
    SayWho,
    TalkIsForCare,
    log_call,
)
from liaison.inbox.actions.delivery import (
    Claim,
    ClaimLost,
    claim_message,
    mark_handed_over,
    recover_abandoned,
    report_bounce,
    settle,
)
from liaison.inbox.actions.keys import KeyReused
from liaison.inbox.actions.merging import follow_merge, follow_unmerge
from liaison.inbox.actions.messages import (
    ChannelNotConnected,
    FieldsMissing,
    NoSuchTemplate,
    NotWaiting,
    cancel_queued,
    confirm_arrived,
    confirm_not_arrived,
    queue_message,
    send_again,
)
from liaison.inbox.actions.notes import (
    AlreadyStruck,
    NotedInTheFuture,
    NothingNoted,
    NotYourNote,
    SayWhyStruck,
    add_to_note,
    strike_note,
    write_note,
)
from liaison.inbox.actions.preferences import note_opt_in, note_opt_out
from liaison.inbox.actions.reaching import PersonWish, PointWish, ReachWish, TwoPreferred, save_reach
from liaison.inbox.actions.receiving import (
    Came,
    MailSettled,
    SayWhyNotOurs,
    ask_for_an_answer,
    match_mail,
    put_away,
    receive_mail,
)
from liaison.inbox.actions.striking import CallStruckBefore, NotYourCall, SayWhatWasWrong, strike_call
from liaison.inbox.actions.templates import TextWrong, edit_template, restore_template
from liaison.inbox.actions.untold import call_who_was_not_told
from liaison.inbox.actions.waiting import open_what_waits

__all__ = [
    "AlreadyStruck",
    "CallInTheFuture",
    "CallStruckBefore",
    "Came",
    "ChannelNotConnected",
    "Claim",
    "ClaimLost",
    "FieldsMissing",
    "KeyReused",
    "MailSettled",
    "NextAttemptPast",
    "NoSuchTemplate",
    "NotForThem",
    "NotWaiting",
    "NotYourCall",
    "NotYourNote",
    "NotedInTheFuture",
    "NothingNoted",
    "PersonWish",
    "PointWish",
    "ReachWish",
    "SayWhatWasSaid",
    "SayWhatWasWrong",
    "SayWho",
    "SayWhyNotOurs",
    "SayWhyStruck",
    "TalkIsForCare",
    "TextWrong",
    "TwoPreferred",
    "add_to_note",
    "ask_for_an_answer",
    "call_who_was_not_told",
    "cancel_queued",
    "claim_message",
    "confirm_arrived",
    "confirm_not_arrived",
    "edit_template",
    "follow_merge",
    "follow_unmerge",
    "log_call",
    "mark_handed_over",
    "match_mail",
    "note_opt_in",
    "note_opt_out",
    "open_what_waits",
    "put_away",
    "queue_message",
    "receive_mail",
    "recover_abandoned",
    "report_bounce",
    "restore_template",
    "save_reach",
    "send_again",
    "settle",
    "strike_call",
    "strike_note",
    "write_note",
]
