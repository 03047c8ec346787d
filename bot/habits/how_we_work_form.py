"""The *How We Work* form."""

from collections.abc import Mapping, Sequence
from typing import Any

from slack_sdk.models.blocks import InputBlock
from slack_sdk.models.views import View

from bot.phases.model import Phase
from bot.phases.working_agreement import LINE_LIMIT, LINES, LineChange
from bot.slack.content import context, plain, section
from bot.slack.inputs import form_parser, text_input
from bot.slack.mrkdwn import channel, clean, quote_within

FORM, LINE = "phase.how_we_work.form", "phase.how_we_work.line"
LINE_PREFIX = "how_we_work."
NAME_SHOWN = 100

TITLE = "How We Work"
ABOUT = (
    "Up to five lines on how this team works, for everyone in {channel} to read in the "
    "announcement. Anyone on the team may change them; *Details* says who changed what."
)
LABEL = "Line {number}"
EXAMPLES = (
    "Reviews within a day; nobody waits for the lead's opinion.",
    "Meetings start with whoever has spoken least.",
)
#: Both habits belong to trust-building phases; the buttons are in no other announcement.
NOT_HERE = "This belongs to trust-building phases; a results sprint doesn't have it."
CHANGED_MEANWHILE = (
    "{name} changed line {number} while you were writing. It now says: {text} Your line is still "
    "below: save again to replace theirs, or change it."
)
REMOVED_MEANWHILE = (
    "{name} removed line {number} while you were writing. Your line is still below: save again to "
    "bring it back, or clear it."
)


def build(phase: Phase) -> View:
    """Build the form, filled with the lines as they stand."""
    return _view(phase, phase.how_we_work.lines, ())


def build_after_conflict(
    phase: Phase, typed: Sequence[str], overwritten: Mapping[int, LineChange]
) -> View:
    """Build the form again with what was typed, and what others wrote in the meantime."""
    return _view(phase, typed, [_conflict(phase, change) for change in overwritten.values()])


@form_parser
def parse(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the lines, empty ones included. `values` is Slack's `state.values`."""
    typed = (values.get(f"{LINE_PREFIX}{place}", {}).get(LINE, {}) for place in range(LINES))
    return tuple(" ".join(clean(state.get("value") or "").split()) for state in typed)


def read_metadata(metadata: str) -> tuple[str, int]:
    """Return the phase's id, and the version of the lines that the form shows."""
    phase_id, _, version = metadata.partition(":")
    return phase_id, int(version[:9]) if version.isdecimal() else 0


def line_block(place: int) -> str:
    return f"{LINE_PREFIX}{place}"


def _view(phase: Phase, lines: Sequence[str], notices: Sequence[str]) -> View:
    about = ABOUT.format(channel=channel(phase.channel_id))
    return View(
        type="modal",
        callback_id=FORM,
        private_metadata=f"{phase.phase_id}:{phase.how_we_work.version}",
        title=plain(TITLE),
        submit=plain("Save"),
        close=plain("Cancel"),
        blocks=[
            *(section(notice) for notice in notices),
            *(_line(place, text) for place, text in enumerate(lines)),
            context(about),
        ],
    )


def _line(place: int, text: str) -> InputBlock:
    return text_input(
        line_block(place),
        LABEL.format(number=place + 1),
        LINE,
        limit=LINE_LIMIT,
        value=text,
        placeholder=EXAMPLES[place] if place < len(EXAMPLES) else None,
        optional=True,
    )


def _conflict(phase: Phase, change: LineChange) -> str:
    person = phase.participant(change.user_id)
    template = CHANGED_MEANWHILE if change.after else REMOVED_MEANWHILE
    return template.format(
        name=quote_within(person.name if person else change.user_id, NAME_SHOWN),
        number=change.place + 1,
        text=quote_within(change.after, 2 * LINE_LIMIT),
    )
