"""Results of a closed round: for its leads at once, for the team a working day later. Pure.

Signals, gaps and (unless the form chose otherwise) comments are for the leads alone.
"""

from collections.abc import Iterable
from typing import Any

from slack_sdk.models.blocks import Block

from bot.phases.privacy import Rounding
from bot.results import comments
from bot.results.comments import quoted
from bot.results.level_blocks import chart, headline, level_paragraphs
from bot.results.levels import Participation, level_words
from bot.results.model import ClosedRound, Reflection, ResultsView
from bot.results.round_labels import first_line_label
from bot.slack.content import (
    Content,
    actions,
    button,
    content,
    context,
    divider,
    paragraphs,
    picture_block,
    section,
)
from bot.slack.inputs import text_input
from bot.slack.mrkdwn import channel, date_token, join_names, quote_within

SAVE_NOTE, NOTE = "results.save_note", "results.note"
NOTE_LIMIT = 1_000
LEADS_LIMIT = 500  # of the leads' names: six long ones fit

TO_LEADS = "{here}: the results, for the leads first."
TO_TEAM = "{here}: the results."
TO_TEAM_HEADLINE = "{here}: {gist}."
FEW = "{here}: not enough answers to keep everyone anonymous."
NOT_COUNTED = "{here}: the answers could not be counted."
TOO_FEW = (
    "So nothing is shown, and nothing was kept. A question's level is shown from {minimum} "
    "answers on."
)
ANSWERED = {
    Participation.MOST: "Most of the {asked} people asked answered.",
    Participation.ABOUT_HALF: "About half of the {asked} people asked answered.",
    Participation.FEWER: "Fewer than half of the {asked} people asked answered.",
}
ONE_CHANGED = (
    "The team has changed by one person, so levels are to the nearest whole number for now: finer "
    "ones could show what that person answered."
)
KEY_MISSING = (
    "The answers could not be counted, because the key that protected them is missing on the bot's "
    "server. They are deleted. Whoever runs it finds the reason in its log; the next round has a "
    "new key."
)
TEAM_READS = (
    "The team reads the totals {when}, in the announcement's thread. Nobody can change them."
)
TEAM_READS_THAT = "The team reads that {when}, in the announcement's thread."
SMALL_PRINT = (
    "Totals only, rounded, from {minimum} answers on. Individual answers were deleted when the "
    "questions closed. {leads} also {get} private tips based on these totals."
)

WHEN_BACK = "once I can write in the channel again"

#: Limits of names in a sentence; of a name and of a question's label beside an answer.
NAMES_SHOWN, NAME_SHOWN, LABEL_SHOWN = 600, 80, 75
#: Most leads whose own answers are shown: a phase begins with at most five co-leads.
LEADS_SHOWN = 6
MORE_LEADS = "And those of {count} more."

ONLY_LEADS = "*Only the leads see this*"
SAID = "{label} {lead} said {mine}; the team said {team:g}."
BESIDE = "*{name}'s own answers*\n{answers}"
CANNOT_SAY = "can't say"

NOTE_LABEL = "What I heard, what changes"
NOTE_HINT = "The whole team reads this with your name, beside the results."
NOTE_EXAMPLE = "I heard that reviews pile up. From Monday we stop at two open ones each."
NOTE_UNTIL = (
    "They read it {when}, and again above the next questions. Left empty, the results say that "
    "there is no note."
)
NOTE_SAVED = "Saved by {name}. It can be changed until the team reads it, {when}."
TEAM_SAW = "The team has read these results, so the note stays as it is."
HEARD = "*What {name} heard, what changes*\n{note}"
NO_NOTE = "No note from {name} this week."
NO_NOTE_LATER = "No note from {name} this time."


def leads_message(view: ResultsView) -> Content:
    """Return the message to each lead when questions close; edited once the team has read it."""
    shown = view.round
    first = (_without_levels(shown) or TO_LEADS).format(here=_here(view))
    return _message(
        view,
        section("\n".join([f"*{first}*", *_about(shown), *_team_reads(view)])),
        *_private(view),
        *comments.in_message(view.comments),
        divider(),
        *(_note_as_read(view) if shown.shown_at else _note_box(view)),
        first=first,
    )


def team_message(view: ResultsView) -> Content:
    """Return the post in the announcement's thread, whatever the lead wrote.

    Its notification has no numbers, as it can be read over a shoulder.
    """
    shown = view.round
    if words := _without_levels(shown):
        first = heading = words.format(here=_here(view))
    else:
        first = TO_TEAM.format(here=_here(view))
        heading = TO_TEAM_HEADLINE.format(here=_here(view), gist=headline(view))
    shared_answers = [section(text) for text in _shared_answers(view)]
    return _message(
        view,
        section("\n".join([f"*{heading}*", *_about(shown)])),
        *(shared_answers if shown.reached_minimum else ()),
        *((section(_note(view)),) if shown.note or shown.reached_minimum else ()),
        *(comments.in_message(view.comments) if shows_comments_to_team(view) else ()),
        *((context(_small_print(view)),) if shown.reached_minimum else ()),
        first=first,
    )


def shows_comments_to_team(view: ResultsView) -> bool:
    """Return whether the form chose that the team reads comments."""
    return view.phase.comments_to == "team"


def note_block(round_id: str) -> str:
    """Return the note input's block id, with its round so that two weeks' notes do not mix."""
    return f"note:{round_id}"


def _message(view: ResultsView, head: Block, *rest: Block, first: str) -> Content:
    """Return the head, the levels and the chart where there are any, then the rest."""
    drawn = chart(view)
    levels = level_paragraphs(view) if view.round.reached_minimum else []
    chart_blocks: list[dict[str, Any]] = [picture_block(drawn.alt_text)] if drawn else []
    return content(first, head, *levels, *chart_blocks, *rest, picture=drawn)


def _here(view: ResultsView) -> str:
    return first_line_label(view.round, channel(view.phase.channel_id))


def _without_levels(shown: ClosedRound) -> str | None:
    """Return the first line of results without levels; None where there are some."""
    if shown.reached_minimum:
        return None
    return NOT_COUNTED if shown.unreadable else FEW


def _about(shown: ClosedRound) -> Iterable[str]:
    if shown.unreadable:
        yield KEY_MISSING
    elif not shown.reached_minimum:
        yield TOO_FEW.format(minimum=shown.minimum)
    elif shown.rounding is Rounding.WHOLE:
        yield ONE_CHANGED
    elif shown.participation is not None:
        yield ANSWERED[shown.participation].format(asked=shown.asked)


def _team_reads(view: ResultsView) -> list[str]:
    if view.round.shown_at:
        return []
    words = TEAM_READS if view.round.reached_minimum else TEAM_READS_THAT
    return [words.format(when=_team_reads_when(view))]


def _team_reads_when(view: ResultsView) -> str:
    return WHEN_BACK if view.phase.is_paused else date_token(view.team_sees_at)


def _small_print(view: ResultsView) -> str:
    names = view.phase.lead_names
    get = "gets" if len(names) == 1 else "get"
    leads = quote_within(join_names(names), NAMES_SHOWN)
    return SMALL_PRINT.format(minimum=view.round.minimum, leads=leads, get=get)


def _private(view: ResultsView) -> list[Block]:
    lines = [*_lead_answers(view), *(signal.text for signal in view.hints)]
    return paragraphs([ONLY_LEADS, *lines]) if lines else []


def _lead_answers(view: ResultsView) -> Iterable[str]:
    """Yield each lead's own answer beside the shown level."""
    for shown_level in view.round.figures:
        for reflection in view.reflections[:LEADS_SHOWN]:
            level = reflection.answers.get(shown_level.figure.key)
            if level is not None:
                label = quote_within(view.round.labels[shown_level.figure.key], LABEL_SHOWN)
                lead = quote_within(reflection.name, NAME_SHOWN)
                yield SAID.format(label=label, lead=lead, mine=level, team=shown_level.figure.level)
    more = len(view.reflections) - LEADS_SHOWN
    if more > 0 and view.round.figures:
        yield MORE_LEADS.format(count=more)


def _note_box(view: ResultsView) -> list[Block]:
    shown = view.round
    box = text_input(
        note_block(shown.round_id),
        NOTE_LABEL,
        NOTE,
        limit=NOTE_LIMIT,
        value=shown.note,
        placeholder=NOTE_EXAMPLE,
        hint=NOTE_HINT,
        multiline=True,
        optional=True,
    )
    when = _team_reads_when(view)
    template = NOTE_SAVED if shown.note else NOTE_UNTIL
    return [
        box,
        actions(button("Save", SAVE_NOTE, shown.round_id, style="primary")),
        context(template.format(when=when, name=quote_within(_note_author(view), NAMES_SHOWN))),
    ]


def _note_as_read(view: ResultsView) -> list[Block]:
    return [section(_note(view)), context(TEAM_SAW)]


def _note(view: ResultsView) -> str:
    shown = view.round
    name = quote_within(_note_author(view), NAMES_SHOWN if not shown.note else NAME_SHOWN)
    if shown.note:
        return HEARD.format(name=name, note=quoted(shown.note))
    return (NO_NOTE if shown.kind in ("first", "weekly") else NO_NOTE_LATER).format(name=name)


def _note_author(view: ResultsView) -> str:
    return view.round.noted_by or join_names(view.phase.lead_names)


def _shared_answers(view: ResultsView) -> Iterable[str]:
    shared = [reflection for reflection in view.reflections if reflection.shared]
    for reflection in shared[:LEADS_SHOWN]:
        yield _answers_of_lead(reflection, view.round)
    if len(shared) > LEADS_SHOWN:
        yield MORE_LEADS.format(count=len(shared) - LEADS_SHOWN)


def _answers_of_lead(reflection: Reflection, shown: ClosedRound) -> str:
    answers = "\n".join(
        f"{quote_within(label, LABEL_SHOWN)} {_in_words(key, reflection.answers.get(key))}"
        for key, label in shown.labels.items()
    )
    return BESIDE.format(name=quote_within(reflection.name, NAME_SHOWN), answers=answers)


def _in_words(key: str, level: int | None) -> str:
    return CANNOT_SAY if level is None else f"{level_words(key, level)} ({level} of 5)"
