"""Options of the start form, all with defaults: team, co-leads, day and time, who sees what."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import time
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    CheckboxesElement,
    InputBlock,
    Option,
    RadioButtonsElement,
    StaticSelectElement,
    TimePickerElement,
)

from bot.phases.rules import PhaseKind
from bot.phases.wording import WEEKDAY_NAMES
from bot.slack.content import MAX_SECTION_LENGTH, plain, section
from bot.slack.inputs import option_with_value, people_select
from bot.slack.mrkdwn import truncated
from bot.start import wording
from bot.start.draft import Draft

MEMBERS, CO_LEADS = "phase.start.members", "phase.start.co_leads"
WEEKDAY, TIME = "phase.start.weekday", "phase.start.time"
REMIND, COMMENTS = "phase.start.remind", "phase.start.comments"
SHARE = "phase.start.share"
NAMES = ("members", "co_leads", "weekday", "time_of_day", "remind", "comments_to")

MAX_CO_LEADS = 5  # if everybody leads, nobody does; and five leads' answers fit one message
WORKING_DAYS = WEEKDAY_NAMES[:5]


def build(draft: Draft, told: Mapping[str, str]) -> list[Block]:
    """Return the inputs that are open; the team always where it has to be chosen by hand."""
    blocks: list[Block] = []
    if draft.more_options or draft.team_by_hand:
        blocks += _notice(told, "members")
        hint = wording.TEAM_HINT
        blocks.append(_people("members", MEMBERS, wording.TEAM, hint, draft.members or ()))
    if draft.more_options:
        blocks += _notice(told, "co_leads")
        hint = wording.CO_LEADS_HINT.format(most=MAX_CO_LEADS)
        leads = (draft.co_leads, MAX_CO_LEADS)
        blocks.append(_people("co_leads", CO_LEADS, wording.CO_LEADS, hint, *leads))
        blocks += [_weekday(draft.weekday), _time(draft.time_of_day)]
        blocks += [_remind(draft.remind), _comments(draft.comments_to)]
        if draft.kind is PhaseKind.TRUST_BUILDING:
            blocks.append(_sharing(draft.shares_answers))
    return blocks


def parse(values: Mapping[str, Any], draft: Draft) -> Draft:
    """Return the draft with these options; those that were not open stay."""
    changes: dict[str, Any] = {}
    for name, action_id in (("members", MEMBERS), ("co_leads", CO_LEADS)):
        state = _state(values, name, action_id)
        if state is not None:
            changes[name] = tuple(state.get("selected_users") or ())
    if "members" in changes:
        changes["team_chosen"] = True
    weekday, at = _state(values, "weekday", WEEKDAY), _state(values, "time_of_day", TIME)
    if weekday and weekday.get("selected_option"):
        changes["weekday"] = int(weekday["selected_option"]["value"]) % len(WORKING_DAYS)
    if at and at.get("selected_time"):
        changes["time_of_day"] = time.fromisoformat(at["selected_time"])
    remind = _state(values, "remind", REMIND)
    if remind is not None:
        changes["remind"] = bool(remind.get("selected_options"))
    sharing = _state(values, "shares_answers", SHARE)
    if sharing is not None:
        changes["shares_answers"] = bool(sharing.get("selected_options"))
    comments = _state(values, "comments_to", COMMENTS)
    if comments and comments.get("selected_option"):
        to_team = comments["selected_option"]["value"] == "team"
        changes["comments_to"] = "team" if to_team else "leads"
    return replace(draft, **changes)


def are_shown(values: Mapping[str, Any]) -> bool:
    """Return whether the options are open on the page, from Slack's state."""
    return block_of("weekday") in values


def faults(draft: Draft) -> dict[str, str]:
    """Return what is wrong, by the field's name."""
    errors = {}
    if not time(8) <= draft.time_of_day <= time(20):
        errors["time_of_day"] = wording.OFF_HOURS
    if len(draft.co_leads) > MAX_CO_LEADS:
        errors["co_leads"] = wording.TOO_MANY_LEADS.format(most=MAX_CO_LEADS)
    return errors


def block_of(name: str) -> str:
    return f"start.{name}"


def _notice(told: Mapping[str, str], name: str) -> list[Block]:
    return [section(truncated(told[name], MAX_SECTION_LENGTH))] if name in told else []


def _people(
    name: str,
    action_id: str,
    label: str,
    hint: str,
    chosen: tuple[str, ...],
    most: int | None = None,
) -> InputBlock:
    return InputBlock(
        block_id=block_of(name),
        label=plain(label),
        hint=plain(hint),
        element=people_select(
            action_id, chosen, max_selected=most, placeholder=wording.CHOOSE_PEOPLE
        ),
        optional=name == "co_leads",
    )


def _weekday(weekday: int) -> InputBlock:
    options = [
        Option(value=str(number), text=plain(name)) for number, name in enumerate(WORKING_DAYS)
    ]
    return InputBlock(
        block_id=block_of("weekday"),
        label=plain(wording.DAY),
        element=StaticSelectElement(
            action_id=WEEKDAY, options=options, initial_option=option_with_value(options, weekday)
        ),
    )


def _time(at: time) -> InputBlock:
    return InputBlock(
        block_id=block_of("time_of_day"),
        label=plain(wording.AT),
        hint=plain(wording.AT_HINT),
        element=TimePickerElement(action_id=TIME, initial_time=at.isoformat("minutes")),
    )


def _remind(remind: bool) -> InputBlock:
    return _tick("remind", REMIND, wording.REMINDER, wording.REMIND_ONCE, remind)


def _sharing(shares_answers: bool) -> InputBlock:
    label, text = wording.SHARING, wording.SHARE_ANSWERS
    return _tick("shares_answers", SHARE, label, text, shares_answers)


def _tick(name: str, action_id: str, label: str, text: str, is_ticked: bool) -> InputBlock:
    box = [Option(value="yes", text=plain(text))]
    return InputBlock(
        block_id=block_of(name),
        label=plain(label),
        element=CheckboxesElement(
            action_id=action_id, options=box, initial_options=box if is_ticked else None
        ),
        optional=True,
    )


def _comments(to: str) -> InputBlock:
    options = [Option(value=value, text=plain(text)) for value, text in wording.READER.items()]
    return InputBlock(
        block_id=block_of("comments_to"),
        label=plain(wording.READERS),
        element=RadioButtonsElement(
            action_id=COMMENTS, options=options, initial_option=option_with_value(options, to)
        ),
    )


def _state(values: Mapping[str, Any], name: str, action_id: str) -> dict[str, Any] | None:
    state: dict[str, Any] | None = values.get(block_of(name), {}).get(action_id)
    return state
