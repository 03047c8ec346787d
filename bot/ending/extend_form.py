"""The form that moves the end of a phase, once; and what stands in its place where it can't."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from slack_sdk.models.blocks import DatePickerElement, InputBlock
from slack_sdk.models.views import View

from bot.dates import day
from bot.ending.messages import PLAN_NEXT, WRAP_UP
from bot.phases.model import Phase
from bot.phases.wording import title
from bot.slack.content import actions, button, plain, section
from bot.slack.inputs import form_parser, text_input
from bot.slack.mrkdwn import clean

FORM = "phases.extend"
ENDS_ON, REASON, VALUE = "ends_on", "reason", "phases.value"
REASON_LIMIT = 500

TITLE = "Extend"
ABOUT = (
    "{title}\nA phase can be extended once, this one up to {latest}. The weekly questions go on "
    "until the new end."
)
ABOUT_SPRINT = f"{ABOUT} The recovery time gets longer too."
CANNOT_TITLE, END_IT, PLAN_NEW = "Not extended", "End It", "Plan a New Phase"
END_OR_PLAN = "End it when it's done, or plan a new phase with a promise of its own."
END_ONLY = "It ends on {day}, or sooner if you end it."
NEW_END = "New end"
WHY = "Why it takes longer"
WHY_HINT = "The whole channel reads this, with your name."
WHY_EXAMPLE = "The importer needed a second rewrite. Nothing else changes."


@dataclass(frozen=True, kw_only=True)
class Extension:
    """The submitted values. `ends_on` is None if no day was chosen."""

    ends_on: date | None
    reason: str


def build(phase: Phase, latest: date, today: date, ends_on: date | None = None) -> View:
    """Build the form, preset to `ends_on` if it was typed, else to the latest possible day."""
    template = ABOUT_SPRINT if phase.is_sprint else ABOUT
    about = template.format(title=f"*{title(phase, 300)}*", latest=day(latest, today))
    preset = ends_on or latest
    end = InputBlock(
        block_id=ENDS_ON,
        label=plain(NEW_END),
        element=DatePickerElement(action_id=VALUE, initial_date=preset.isoformat()),
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


def cannot_extend(phase: Phase, why: str, today: date, *, may_start: bool) -> View:
    """Build what is shown for a phase that can't be extended, with what its lead can do."""
    instead = END_OR_PLAN if may_start else END_ONLY.format(day=day(phase.ends_on, today))
    buttons = [button(END_IT, WRAP_UP, phase.phase_id)]
    if may_start:
        buttons.append(button(PLAN_NEW, PLAN_NEXT, phase.phase_id))
    return View(
        type="modal",
        private_metadata=phase.phase_id,
        title=plain(CANNOT_TITLE),
        close=plain("Close"),
        blocks=[section(f"*{title(phase, 300)}*\n{why} {instead}"), actions(*buttons)],
    )


@form_parser
def parse(values: Mapping[str, Any]) -> Extension:
    """Return the submitted values. `values` is Slack's `state.values`."""
    chosen = values[ENDS_ON][VALUE].get("selected_date")
    typed = values[REASON][VALUE].get("value") or ""
    return Extension(ends_on=date.fromisoformat(chosen) if chosen else None, reason=clean(typed))
