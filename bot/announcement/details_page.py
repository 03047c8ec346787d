"""The *Details* modal: the whole promise, who does what, and how answers are kept. Pure."""

import json
from collections.abc import Iterator, Sequence
from datetime import date

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.announcement.answer_privacy import REMAINS, how_answers_are_kept
from bot.announcement.messages import promise_lines, status_line
from bot.dates import day
from bot.phases.model import Phase
from bot.phases.wording import WEEKDAY_NAMES, title
from bot.phases.working_agreement import LineChange
from bot.slack.content import (
    MAX_SECTION_LENGTH,
    button,
    context,
    divider,
    paragraphs,
    plain,
    section,
)
from bot.slack.mrkdwn import labelled, quote_within

OPT_OUT, OPT_IN = "phase.opt_out", "phase.opt_in"
TITLE = "Details"
DIFFERENT = "What is different this time"
TEAM, PARTS = "Who is asked", "Who does what"
LINES_CHANGED = "Who changed how we work"
LINE_ADDED = "• {day}, {name} added “{after}”"
LINE_CHANGED = "• {day}, {name} changed “{before}” to “{after}”"
LINE_REMOVED = "• {day}, {name} removed “{before}”"
MORE_PARTS = "And {count} more."
#: Maximum size of all contributions, in JSON: Slack accepts 250,000 bytes per view.
PARTS_ROOM = 120_000
WHEN = (
    "*When:* Every {weekday} at {time} in your own time zone. The first ones come on the working "
    "morning after the announcement."
)
WHEN_SIMILAR = (
    "Every {weekday}, the questions come to the channel, to talk about together. Another phase "
    "with the same lead has the same team except for one person, so comparing the two would show "
    "what that person answered. Nothing is stored."
)
WHEN_SMALL = (
    "Every {weekday}, the questions come to the channel, to talk about together: this team is too "
    "small for anonymous answers. Nothing is stored."
)
ASKED = "You get the questions as a direct message. Answering is up to you."
NOT_ASKED = "You opted out, so you don't get the questions. You're still on the team."
DONT_ASK, ASK_AGAIN = "Don't Ask Me Here", "Ask Me Here Again"


def build(phase: Phase, today: date, is_opted_out: bool | None = None) -> View:
    """Build the modal for one person; `is_opted_out` None: nobody asks them."""
    blocks: list[Block] = [
        section(f"*{title(phase, MAX_SECTION_LENGTH - 800)}*\n{status_line(phase, today)}"),
        *paragraphs(promise_lines(phase, MAX_SECTION_LENGTH)),
        *paragraphs(_difference(phase)),
        *paragraphs(_people(phase)),
        divider(),
        *_about_questions(phase),
        *([] if is_opted_out is None else [_opting(phase, is_opted_out=is_opted_out)]),
    ]
    return View(
        type="modal",
        private_metadata=phase.phase_id,
        title=plain(TITLE),
        close=plain("Close"),
        blocks=blocks,
    )


def _difference(phase: Phase) -> list[str]:
    text = phase.difference
    return [labelled(f"*{DIFFERENT}:*", text, MAX_SECTION_LENGTH - 100)] if text else []


def _people(phase: Phase) -> list[str]:
    names = ", ".join(person.name for person in phase.roster if not person.has_left)
    lines = [f"*{TEAM}:* {quote_within(names, MAX_SECTION_LENGTH - 100)}"] if names else []
    parts = [person for person in phase.people if person.contribution and not person.has_left]
    if parts:
        lines.append(f"*{PARTS}:*")
    contributions = [_part(person.name, person.contribution or "") for person in parts]
    return [*lines, *_fitting(contributions), *_line_changes(phase)]


def _line_changes(phase: Phase) -> list[str]:
    """Return who changed how the team works, newest first."""
    changes = [_line_change(phase, change) for change in reversed(phase.how_we_work.changes)]
    return [f"*{LINES_CHANGED}:*", *changes] if changes else []


def _line_change(phase: Phase, change: LineChange) -> str:
    person = phase.participant(change.user_id)
    template = LINE_REMOVED if not change.after else LINE_CHANGED if change.before else LINE_ADDED
    return template.format(
        name=quote_within(person.name if person else change.user_id, 200),
        before=quote_within(change.before, 400),
        after=quote_within(change.after, 400),
        day=day(date.fromisoformat(change.on)),
    )


def _part(name: str, contribution: str) -> str:
    return labelled(f"• {quote_within(name, 200)}:", contribution, MAX_SECTION_LENGTH - 300)


def _fitting(parts: Sequence[str]) -> Iterator[str]:
    used = 0
    for number, part in enumerate(parts):
        used += len(json.dumps(part))
        if used > PARTS_ROOM:
            yield MORE_PARTS.format(count=len(parts) - number)
            return
        yield part


def _about_questions(phase: Phase) -> list[Block]:
    weekday = WEEKDAY_NAMES[phase.weekday]
    if phase.too_similar_to is not None:
        return [context(WHEN_SIMILAR.format(weekday=weekday))]
    if phase.minimum_answers is None:
        return [context(WHEN_SMALL.format(weekday=weekday))]
    when = WHEN.format(weekday=weekday, time=f"{phase.time_of_day:%H:%M}")
    lines = [
        *([when] if phase.is_active else []),
        *how_answers_are_kept(phase, phase.minimum_answers),
    ]
    return [*paragraphs(lines), context(REMAINS)]


def _opting(phase: Phase, *, is_opted_out: bool) -> Block:
    if is_opted_out:
        return section(NOT_ASKED, accessory=button(ASK_AGAIN, OPT_IN, phase.phase_id))
    return section(ASKED, accessory=button(DONT_ASK, OPT_OUT, phase.phase_id))
