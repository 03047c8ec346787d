"""The form that moves the end of a phase, once: ids, build, parse."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from slack_sdk.models.blocks import DatePickerElement, InputBlock
from slack_sdk.models.views import View

from bot.dates import day
from bot.phases.model import Phase
from bot.phases.wording import title
from bot.slack.content import plain, section
from bot.slack.inputs import form_parser, text_input
from bot.slack.mrkdwn import clean

FORM = "phases.extend"
ENDS_ON, REASON, VALUE = "ends_on", "reason", "phases.value"
REASON_LIMIT = 500

TITLE = "Extend"
ABOUT = (
    "{title}\nIt can be extended once, to {latest} at most. The channel reads the reason; the "
    "weekly questions go on, and recovery grows with it."
)
NEW_END = "New end"
WHY = "Why it takes longer"
WHY_HINT = "The whole channel reads this, with your name."
WHY_EXAMPLE = "The importer needed a second rewrite. Nothing else changes."


@dataclass(frozen=True, kw_only=True)
class Extension:
    """The submitted values. `ends_on` is None if no day was chosen."""

    ends_on: date | None
    reason: str


def build(phase: Phase, latest: date) -> View:
    """Build the form, preset to the latest possible day."""
    about = ABOUT.format(title=f"*{title(phase, 300)}*", latest=day(latest))
    end = InputBlock(
        block_id=ENDS_ON,
        label=plain(NEW_END),
        element=DatePickerElement(action_id=VALUE, initial_date=latest.isoformat()),
    )
    reason = text_input(
        REASON,
        WHY,
        VALUE,
        limit=REASON_LIMIT,
        placeholder=WHY_EXAMPLE,
        hint=WHY_HINT,
        multiline=True,
    )
    return View(
        type="modal",
        callback_id=FORM,
        private_metadata=phase.phase_id,
        title=plain(TITLE),
        submit=plain("Extend"),
        close=plain("Cancel"),
        blocks=[section(about), end, reason],
    )


@form_parser
def parse(values: Mapping[str, Any]) -> Extension:
    """Return the submitted values. `values` is Slack's `state.values`."""
    chosen = values[ENDS_ON][VALUE].get("selected_date")
    typed = values[REASON][VALUE].get("value") or ""
    return Extension(ends_on=date.fromisoformat(chosen) if chosen else None, reason=clean(typed))
