"""Every sentence of this package, except the rules' refusals. Pure."""

from bot.phases.rules import PhaseKind

# --- why nothing can be started -------------------------------------------------------------

RUNS_ALREADY_LEAD = (
    "A {name} is running here until {day}. One at a time keeps it clear: use `/imbalance extend` "
    "or `/imbalance end` first."
)
RUNS_ALREADY = (
    "A {name} led by {leads} is running here until {day}. One at a time keeps it clear: talk to "
    "{leads} about what should come next."
)
TYPED_IS_KEPT = "What you typed is kept for a week."
GONE = "This form is older than a week, so it was deleted. Use `/imbalance start` again."
INVITE_ME = (
    "I'm not in this private channel, and I can't join by myself. Type `/invite @Imbalance` here, "
    "then `/imbalance start` again."
)
ARCHIVED = (
    "This channel is archived, so nobody would read it. Unarchive it first, or start in another "
    "channel."
)
NOT_IN_CHANNEL = "You aren't in this channel. Join it first, then start the phase."
TOO_LARGE = (
    "More than {most:,} people are in this channel, too many for a phase. Start it in your team's "
    "own channel."
)
#: What was typed with a command and can't be read.
MISTYPED_START = (
    "I can't read “{typed}”. Did you mean `/imbalance start {words}`? If not, type just "
    "`/imbalance start` and fill in the form."
)
NEITHER = (
    "“{typed}” is neither a kind of phase, `results` or `trust`, nor an end, such as `2w`. If it's "
    "the milestone, type it after the kind: `/imbalance start results {typed}`."
)
MISTYPED_EXTEND = (
    "I can't read “{typed}”. Did you mean `/imbalance extend {words}`? If not, type just "
    "`/imbalance extend` and pick the day in the form."
)
UNREAD_EXTENSION = (
    "I can't read “{typed}” as a new end. Type `/imbalance extend 1w`, or just "
    "`/imbalance extend` and pick the day in the form."
)
READ_AS = "I read that as {day}."
NO_KIND = "You haven't chosen whether results or trust comes first. Press *Back*."
ALONE = "Nobody else who could be on the team is in {channel}. Invite your team first."
CANNOT_JOIN = (
    "Slack didn't let me into this channel ({reason}). Type `/invite @Imbalance` there, then "
    "press *Announce* again."
)
NOT_COLLEAGUES = (
    "{names} can't be chosen: apps, guests, deactivated people and people from other "
    "organizations are never asked. Leave them out."
)
ONE_NOT_READING = "{names} isn't in this channel and wouldn't read it. Invite or leave them out."
NOT_READING = "{names} aren't in this channel and wouldn't read it. Invite or leave them out."

# --- page 1: Is this the moment? ------------------------------------------------------------

MOMENT_TITLE = "Is this the moment?"
MOMENT_ABOUT = "For {channel}. Nothing is posted until you press *Announce*."
RESUMED = "What you typed here before is filled in."
#: What the form understood of the command, and what it did not.
TYPED_END, TYPED_MILESTONE = "Ends {day}", "milestone “{milestone}”"
TYPED = "From your command: {parts}. You can change it on the next page."
UNREAD_END = "I can't read “{typed}” as a day, so the end is {day}. Change it on the next page."
NO_END = "You typed “until” without a day, so the end is {day}. Change it on the next page."
FOLLOWS = "This one follows the current phase, and announcing it ends that one."
WHICH_KIND = "What comes first?"
KINDS = {
    PhaseKind.RESULTS_SPRINT: "A milestone can't slip; other work can wait.",
    PhaseKind.TRUST_BUILDING: "Trust and learning come first; speed can wait.",
}
GIVEN_KIND = "{emoji} *{name}*\n{what}"
CHOOSE_KIND = "Choose what comes first."
OWN_VIEW = {
    PhaseKind.RESULTS_SPRINT: "*Your own view*, 1 (not at all) to 5 (fully). Only leads see it.",
    PhaseKind.TRUST_BUILDING: (
        "*Your own view*, 1 (not at all) to 5 (fully). Your team sees it too, unless you untick "
        "that on the next page, under *Options*."
    ),
}
LEVEL = "Choose"
LEVELS = ("1 · not at all", "2", "3", "4", "5 · fully")
ORDINARY = "*This looks like an ordinary week. Start anyway?*"
YES = "Yes, start anyway"
SAY_YES = "You said the goal isn't clear yet. Tick below to go on anyway."
LESSON = "*Last time's lesson:*"
DIFFERENT, DIFFERENT_EXAMPLE = "What is different this time", "Reviews come first, before noon."
COPY_LAST, FILL_EXAMPLE = "Copy the Last One", "Fill In an Example"
COPIED = "The last phase is copied to the next page. Check each line."
EXAMPLE_FILLED = "An example is on the next page. Make it yours."
JUSTIFICATION, JUSTIFICATION_EXAMPLE = (
    "Why this can't wait",
    "The customer moved the date; we close the gap and stop.",
)

#: Stands in for the last sprint's levels.
NOTHING_SHOWN = "Nothing: there were no results to show."
JUSTIFICATION_BLANK = "Say why this can't wait; the channel will see it."

# --- page 2: The promise --------------------------------------------------------------------

PROMISE_TITLE = "The promise"
PROMISE_ABOUT = "Everyone in {channel} will read this."
ENDS, ENDS_HINT = "Ends on", "At most {weeks}."
STOP_IF_ON = "When you decide about it"
STOP_IF_ON_HINT = (
    "Half way, unless you pick a day. You're asked with that week's results whether to go on; the "
    "team reads your answer."
)
CAN_WAIT, ALSO_WAITS, WAITS = "What can wait", "What else can wait", "What is on hold"
OWNER, OWNER_NOBODY = "Who picks it up again", "You"
ADD_ANOTHER = "Add Another"
MAKE_RICHER, HIDE_RICHER = "Make It Richer", "Make It Shorter"
OPTIONS, HIDE_OPTIONS = "Options", "Hide Options"
BACK = "Back"
#: What stands beside a required text that was left blank, by the field's name.
BLANK = {
    "ask": "People need to know what you ask, and where it stops. Write one sentence.",
    "mistakes_fine": "People only try things where they may fail. Say where that is.",
    "mistakes_not": "Say where mistakes would hurt, so that people feel free elsewhere.",
    "listening": "Say when and how people can talk to you.",
}

# --- page 2: Options ------------------------------------------------------------------------

TEAM = "Team"
TEAM_HINT = "Who the phase is for and who is asked: people in this channel."
CO_LEADS = "Co-leads"
CO_LEADS_HINT = "Up to {most}. They see what you see, and can extend or end the phase."
TOO_MANY_LEADS = "That's more than {most} co-leads. Choose those the team should hear from."
DAY, AT, AT_HINT = "Questions come on", "At", "In each person's own time zone."
OFF_HOURS = "Questions go out between 08:00 and 20:00. Choose a time in between."
REMINDER, REMIND_ONCE = "Reminder", "Once, after a day, if a member hasn't answered"
SHARING, SHARE_ANSWERS = "Your own view", "Show it to the team with the first results"
READERS = "Who reads comments"
READER = {"leads": "The leads, without names", "team": "The whole team, without names"}
CHOOSE_PEOPLE = "Choose people"

# --- page 3: Preview, and the confirmation --------------------------------------------------

PREVIEW_TITLE, ANNOUNCED_TITLE = "Preview", "Announced"
IN_CHANNEL = "*What {channel} will see:*"
WHO_READS = "Everyone who can read {channel} sees the results. First questions: {first}."
WHO_READS_TALK = "{channel} talks about three questions together, first on {first}."
STILL_EXAMPLE = "This is still the example's text. Go *Back* and make it yours."
TOO_SIMILAR = (
    "Another phase that you or a co-lead runs has the same team except for one person. Comparing "
    "the two would show what that person answered, so here the questions come to the channel as "
    "talking points. With a different team, people are asked one by one: go *Back* to *Options*."
)
MANY_SPRINT = (
    "{sprinting} of {teams} teams are in a results sprint, this one included. The exception is "
    "becoming normal here: talk to the other leads first."
)
ANNOUNCED = (
    "*{title}*\nIt's on its way to {channel}, with a pin and a bookmark if there is room. First "
    "questions: {first}."
)
ANNOUNCED_EXPECTATIONS = (
    "*What do you count on each person for?* Optional: a line each. Each person reads only their "
    "own, with their first questions."
)
WRITE_EXPECTATIONS = "Write the Lines"
ANNOUNCED_GO_FIRST = (
    "*Go first this week:* tell one mistake of your own and what it taught you. It makes the next "
    "one easier to tell."
)
ANNOUNCED_NEXT = "Two working days before the end, I'll ask whether to end or extend it."
