"""Why a phase may not start or be extended: what did not happen, why, and what to do now."""

NOT_LATER = "Nothing was started: {day} is not after today. Choose a later end."
TOO_LONG = (
    "Nothing was started: {days} days are more than the {weeks} weeks this workspace allows, "
    "because an imbalance without a near end becomes the normal. End by {latest}."
)
NEEDS_MILESTONE = (
    "Nothing was started: a results sprint serves a milestone. Name what must not slip."
)
NEEDS_STAKES = (
    "Nothing was started: a results sprint says what is at stake. Write what happens if you miss."
)
NEEDS_SET_ASIDE = (
    "Nothing was started: a results sprint needs something that may wait. Name at least one "
    "piece of work the team can stop doing until {day}."
)
NEEDS_PURPOSE = (
    "Nothing was started: a trust-building phase says what it is for. Write what you should be "
    "able to do together afterwards."
)
NEEDS_TEAM = "Nothing was started: nobody is in the team. Choose who the phase is for."
TEXT_TOO_LONG = (
    "Nothing was started: this has {length:,} characters, and {limit:,} fit. Shorten it."
)
NEEDS_JUSTIFICATION = (
    "Nothing was started yet. {reason} Write why it is worth it; the announcement prints it."
)
OVER_BUDGET = "{sentence} More than a third of the time is not extraordinary any more."
TOO_SOON = "The last sprint ended {day}, less than its own length before this one."
IN_RECOVERY = "The last sprint booked recovery until {day}."
EXTENDED_ALREADY = (
    "The phase before was extended already, so this is a new one: announcing it ends the running "
    "one today."
)
LONG_SPRINT = (
    "Over {weeks} weeks the gain of longer hours is mostly gone, and people are tired for longer "
    "than they were fast. Is a shorter end possible?"
)

EXTENDED_ONCE = (
    "The phase was not extended: that goes once, and it was done. Start a new one when it is "
    "over, with a justification."
)
NOT_AN_EXTENSION = "The phase was not extended: {day} is not after its end. Choose a later day."
EXTENSION_TOO_LONG = (
    "The phase was not extended: it may grow by half of its first length, to {latest} at most. "
    "Choose a day until then."
)

GUESTS_NEVER = (
    "Nothing was changed: guests and people from other organisations cannot do this. Ask a full "
    "member of this workspace."
)
STARTERS_ONLY = (
    "Nothing was started: in this workspace only some people start phases. Ask {names}, or an "
    "admin to change the settings."
)
LEADS_ONLY = (
    "Nothing was changed: only the leads of this phase and workspace admins do this. Ask {names}."
)
