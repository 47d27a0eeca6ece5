"""Who can help a patient besides us: clinicians, the places they work at, and what each is specialised in.

A *practitioner* is one clinician, of ours (at a site, maybe someone who signs in) or of another organization.
An *organization* is a place outside: a clinic, a hospital, a payer, a community service. A *specialty* is what
a referral asks for; it carries its code of the national provider taxonomy. A *target* is a practitioner or an
organization that takes referrals in a specialty. Nothing here is about a patient.
"""
