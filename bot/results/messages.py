"""Results of a closed round: for its leads at once, for the team a working day later. Pure.

Pure functions of facts. Signals, gaps and (unless the form chose otherwise) comments are for the
leads alone.
"""

from collections.abc import Iterable
from typing import Any

from slack_sdk.models.blocks import Block

from bot.results import comments
from bot.results.comments import quoted
from bot.results.level_blocks import headline, level_paragraphs, picture
from bot.results.levels import level_words
from bot.results.model import ClosedRound, Reflection, ResultsView
from bot.results.round_labels import here
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
from bot.slack.mrkdwn import channel, fitted, instant, together

SAVE_NOTE, NOTE = "results.save_note", "results.note"
NOTE_LIMIT = 1_000
LEADS_LIMIT = 500  # of the names of those who lead: six long ones fit

TO_LEADS = "{here}: the results, for the leads first."
TO_TEAM = "{here}: {gist}."
FEW = "{here}: too few answers to show."
TOO_FEW = (
    "Too few answers could be counted to show them without showing someone. They are not kept. "
    "Totals are shown from {minimum} answers on."
)
ANSWERED = "{answered} of {asked} people asked answered."
TEAM_READS = (
    "The team reads the totals {when}, in the announcement's thread. Nobody can change them."
)
TEAM_READS_THAT = "The team reads that {when}, in the announcement's thread."
SMALL_PRINT = (
    "Totals only, to the nearest half, from {minimum} answers on. Individual answers were deleted "
    "when the questions closed. From these same totals {leads} {get} private signals."
)

WHEN_BACK = "once I can write in the channel again"

#: Of names that stand in a sentence; of a name and of a question's label beside an answer.
NAMES_SHOWN, NAME_SHOWN, LABEL_SHOWN = 600, 80, 75
#: Whose own answers are shown: a phase begins with at most five co-leads.
LEADS_SHOWN = 6
MORE_LEADS = "And those of {count} more."

ONLY_LEADS = "*Only the leads see this*"
SAID = "{label} {lead} said {mine}, the team's level is {team:g}."
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


def to_leads(showing: ResultsView) -> Content:
    """For each lead, when the questions close; edited once the team has read it."""
    shown = showing.round
    words = FEW if shown.answered is None else TO_LEADS
    first = words.format(here=_here(showing))
    return _message(
        showing,
        section("\n".join([f"*{first}*", _about(shown), *_when(showing)])),
        *_private(showing),
        *comments.in_message(showing.comments),
        divider(),
        *(_note_as_read(showing) if shown.shown_at else _note_box(showing)),
        first=first,
    )


def to_team(showing: ResultsView) -> Content:
    """For the announcement's thread, whatever the lead wrote."""
    shown = showing.round
    if shown.answered is None:
        first = FEW.format(here=_here(showing))
    else:
        first = TO_TEAM.format(here=_here(showing), gist=headline(showing))
    beside = [section(text) for text in _beside_all(showing)]
    return _message(
        showing,
        section(f"*{first}*\n{_about(shown)}"),
        *(beside if shown.answered is not None else ()),
        *((section(_note(showing)),) if shown.note or shown.answered is not None else ()),
        *(comments.in_message(showing.comments) if to_everyone(showing) else ()),
        *((context(_small_print(showing)),) if shown.answered is not None else ()),
        first=first,
    )


def to_everyone(showing: ResultsView) -> bool:
    """Whether the form chose that the team reads comments."""
    return showing.phase.comments_to == "team"


def note_block(round_id: str) -> str:
    """What the box is called: with its round, so that two weeks' notes do not mix."""
    return f"note:{round_id}"


def _message(showing: ResultsView, head: Block, *rest: Block, first: str) -> Content:
    """The head, the levels and the picture where there are any, then the rest."""
    drawn = picture(showing)
    levels = level_paragraphs(showing) if showing.round.answered is not None else []
    chart: list[dict[str, Any]] = [picture_block(drawn.alt_text)] if drawn else []
    return content(first, head, *levels, *chart, *rest, picture=drawn)


def _here(showing: ResultsView) -> str:
    return here(showing.round, channel(showing.phase.channel_id))


def _about(shown: ClosedRound) -> str:
    if shown.answered is None:
        return TOO_FEW.format(minimum=shown.minimum)
    return ANSWERED.format(answered=shown.answered, asked=shown.asked)


def _when(showing: ResultsView) -> list[str]:
    if showing.round.shown_at:
        return []
    words = TEAM_READS_THAT if showing.round.answered is None else TEAM_READS
    return [words.format(when=_team_sees(showing))]


def _team_sees(showing: ResultsView) -> str:
    return WHEN_BACK if showing.phase.is_paused else instant(showing.team_sees_at)


def _small_print(showing: ResultsView) -> str:
    names = showing.phase.lead_names
    get = "gets" if len(names) == 1 else "get"
    leads = fitted(together(names), NAMES_SHOWN)
    return SMALL_PRINT.format(minimum=showing.round.minimum, leads=leads, get=get)


def _private(showing: ResultsView) -> list[Block]:
    lines = [*_said(showing), *(signal.text for signal in showing.signals)]
    return paragraphs([ONLY_LEADS, *lines]) if lines else []


def _said(showing: ResultsView) -> Iterable[str]:
    """Each lead's own answer beside the shown level."""
    for one in showing.round.figures:
        for reflection in showing.reflections[:LEADS_SHOWN]:
            mine = reflection.answers.get(one.figure.key)
            if mine is not None:
                label = fitted(showing.round.labels[one.figure.key], LABEL_SHOWN)
                lead = fitted(reflection.name, NAME_SHOWN)
                yield SAID.format(label=label, lead=lead, mine=mine, team=one.figure.level)
    more = len(showing.reflections) - LEADS_SHOWN
    if more > 0 and showing.round.figures:
        yield MORE_LEADS.format(count=more)


def _note_box(showing: ResultsView) -> list[Block]:
    shown = showing.round
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
    when = _team_sees(showing)
    said = NOTE_SAVED if shown.note else NOTE_UNTIL
    return [
        box,
        actions(button("Save", SAVE_NOTE, shown.round_id, style="primary")),
        context(said.format(when=when, name=fitted(_noter(showing), NAMES_SHOWN))),
    ]


def _note_as_read(showing: ResultsView) -> list[Block]:
    return [section(_note(showing)), context(TEAM_SAW)]


def _note(showing: ResultsView) -> str:
    shown = showing.round
    name = fitted(_noter(showing), NAMES_SHOWN if not shown.note else NAME_SHOWN)
    if shown.note:
        return HEARD.format(name=name, note=quoted(shown.note))
    return (NO_NOTE if shown.kind in ("first", "weekly") else NO_NOTE_LATER).format(name=name)


def _noter(showing: ResultsView) -> str:
    return showing.round.noted_by or together(showing.phase.lead_names)


def _beside_all(showing: ResultsView) -> Iterable[str]:
    shared = [one for one in showing.reflections if one.shared]
    for one in shared[:LEADS_SHOWN]:
        yield _beside(one, showing.round)
    if len(shared) > LEADS_SHOWN:
        yield MORE_LEADS.format(count=len(shared) - LEADS_SHOWN)


def _beside(reflection: Reflection, shown: ClosedRound) -> str:
    answers = "\n".join(
        f"{fitted(label, LABEL_SHOWN)} {_in_words(key, reflection.answers.get(key))}"
        for key, label in shown.labels.items()
    )
    return BESIDE.format(name=fitted(reflection.name, NAME_SHOWN), answers=answers)


def _in_words(key: str, level: int | None) -> str:
    return CANNOT_SAY if level is None else f"{level_words(key, level)} ({level} of 5)"
