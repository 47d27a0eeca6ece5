"""What was asked for a patient elsewhere; today referrals to specialists.

A *referral* asks a *target* (a clinician or a place) a question on behalf of the *referrer*. It passes *states*, each
with its own clock from the table in `clocks.json`: sent, received, accepted or *declined* (with a reason, then
*re-routed*), scheduled, seen, note received, reviewed, closed. Its promise is a loop of the kind "referral", which
closes only with three facts: the report came, the referrer reviewed it, the patient was told. "Sent" closes nothing.
Each state change is one action in `actions` and stands in the referral's history for good.
"""
