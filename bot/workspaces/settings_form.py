"""The form with a workspace's limits and defaults. Its block ids are the settings' names.

Its `private_metadata` holds the settings shown when it was opened, so that only those changed in it
are saved: two admins who change different settings do not undo each other.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import time
from itertools import groupby
from typing import Any
from unicodedata import normalize

from slack_sdk.models.blocks import (
    Block,
    CheckboxesElement,
    InputBlock,
    NumberInputElement,
    Option,
    OptionGroup,
    StaticSelectElement,
    TimePickerElement,
)
from slack_sdk.models.views import View

from bot.slack.content import actions, button, context, divider, plain, section
from bot.slack.inputs import form_parser, option_with_value, people_select, text_input
from bot.slack.mrkdwn import clean, truncated
from bot.workspaces.messages import (
    NAMED_NO_COUNTRY,
    NAMES,
    TITLE,
    WEEKDAYS,
    WITHOUT_COUNTRY,
)
from bot.workspaces.public_holidays import countries
from bot.workspaces.rules import BOUNDS, WorkspaceSettings, as_json, from_json

FORM, REWORD = "workspaces.settings", "workspaces.reword"
AUDIT = "workspaces.audit"
VALUE = "workspaces.value"
#: Keeps the shown settings within private_metadata (3,000 characters).
MAX_STARTERS = 100
LONGEST_ZONE = 64

ABOUT = "These apply to the whole workspace, to phases started from now on."
LIMITS, ANSWERS, DEFAULTS = "*Limits*", "*Answers*", "*What a new phase begins with*"
ASK_CHECKS = "Ask one more, optional question"
WORKING_DAYS = "*Working days*"
KEPT = "*How long data is kept*\nSingle answers are never kept after their questions close."
WORDING = "*The three questions*\nSay them in your own words. None can be dropped."
HINTS = {
    "asks_checks": (
        "Such as whether a promise was kept. Only the team's median answer is shown, and never "
        "below the numbers above."
    ),
    "sprint_max_weeks": "Extensions included.",
    "budget_percent": "Above it, starting another needs a reason, which the channel will see.",
    "starters": "Leave empty to let any full member start one.",
    "minimum_small": (
        "This can be raised, never lowered: fewer answers could show who said what. Smaller teams "
        "get the questions to talk about together."
    ),
    "minimum_large": (
        "This can be raised, never lowered. Teams with fewer people than this get the questions "
        "to talk about together."
    ),
    "keep_texts_months": "After the end of a phase: what people wrote in it.",
    "keep_levels_months": "After the end of a phase: its results, people and dates.",
    "keep_messages_days": "That a message was sent, where and when; never its text.",
    "default_time": "In each person's own time zone, between 08:00 and 20:00.",
    "default_zone": "Such as Europe/Lisbon.",
    "country": (
        "Its public holidays are days off: no questions and no other direct messages come on them."
    ),
}
NUMBERS = (
    *("sprint_warn_weeks", "sprint_max_weeks", "trust_max_weeks", "budget_percent"),
    *("minimum_small", "minimum_large", "default_weeks"),
    *("keep_texts_months", "keep_levels_months", "keep_audit_months", "keep_messages_days"),
)
FIELDS = (
    *NUMBERS,
    "starters",
    "asks_checks",
    "default_weekday",
    "default_time",
    "default_zone",
    "country",
)
#: The option for no country; no code of one is longer than two letters.
NO_COUNTRY = "none"


def build(settings: WorkspaceSettings) -> View:
    """Build the form for an admin, filled with the current settings."""
    settings = _showable(settings)
    limits = ("sprint_warn_weeks", "sprint_max_weeks", "trust_max_weeks", "budget_percent")
    blocks: list[Block] = [
        context(ABOUT),
        section(LIMITS),
        *(_number(settings, name) for name in limits),
        _starters(settings.starters),
        section(ANSWERS),
        *(_number(settings, name) for name in ("minimum_small", "minimum_large")),
        _checks(is_ticked=settings.asks_checks),
        section(DEFAULTS),
        _number(settings, "default_weeks"),
        _weekday(settings.default_weekday),
        _time(settings.default_time),
        _zone(settings.default_zone),
        section(WORKING_DAYS),
        _country(settings.country),
        section(KEPT),
        *(_number(settings, name) for name in NUMBERS if name.startswith("keep_")),
        divider(),
        section(WORDING),
        actions(button("Reword the Questions", REWORD), button("Audit Log", AUDIT)),
    ]
    return View(
        type="modal",
        callback_id=FORM,
        private_metadata=_shown(settings),
        title=plain(TITLE),
        submit=plain("Save"),
        close=plain("Cancel"),
        blocks=blocks,
    )


@form_parser
def parse(values: Mapping[str, Any]) -> WorkspaceSettings:
    """Return the submitted settings. An invalid number counts as out of bounds."""
    numbers: dict[str, Any] = {name: _integer(values[name][VALUE].get("value")) for name in NUMBERS}
    chosen = values["default_weekday"][VALUE].get("selected_option") or {}
    at = values["default_time"][VALUE].get("selected_time")
    return WorkspaceSettings(
        **numbers,
        starters=tuple(values["starters"][VALUE].get("selected_users") or ()) or None,
        default_weekday=_integer(chosen.get("value")),
        default_time=time.fromisoformat(at) if at else time(0),
        default_zone=clean(values["default_zone"][VALUE].get("value") or ""),
        asks_checks=bool(values["asks_checks"][VALUE].get("selected_options")),
        country=_chosen_country(values["country"][VALUE].get("selected_option") or {}),
    )


@form_parser
def with_changes(
    now: WorkspaceSettings, metadata: str, given: WorkspaceSettings
) -> WorkspaceSettings:
    """Return the current settings with those that were changed in the form."""
    shown = from_json(json.loads(metadata))
    changes = {
        name: getattr(given, name)
        for name in FIELDS
        if getattr(given, name) != getattr(shown, name)
    }
    return replace(now, **changes)


def _shown(settings: WorkspaceSettings) -> str:
    values = as_json(settings)
    return json.dumps({name: values[name] for name in FIELDS})


def _showable(settings: WorkspaceSettings) -> WorkspaceSettings:
    """Return the settings limited to what the form can show; unchanged ones are not saved."""
    clamped = {
        name: min(max(getattr(settings, name), BOUNDS[name][0]), BOUNDS[name][1])
        for name in (*NUMBERS, "default_weekday")
    }
    starters = settings.starters and settings.starters[:MAX_STARTERS]
    zone = truncated(settings.default_zone, LONGEST_ZONE)
    country = settings.country if settings.country in countries() else None
    return replace(settings, **clamped, starters=starters, default_zone=zone, country=country)


def _number(settings: WorkspaceSettings, name: str) -> Block:
    low, high = BOUNDS[name]
    return _input(
        name,
        NumberInputElement(
            action_id=VALUE,
            is_decimal_allowed=False,
            min_value=str(low),
            max_value=str(high),
            initial_value=str(getattr(settings, name)),
        ),
    )


def _starters(chosen: Sequence[str] | None) -> Block:
    people = people_select(VALUE, chosen or (), max_selected=MAX_STARTERS)
    return _input("starters", people, optional=True)


def _checks(*, is_ticked: bool) -> Block:
    box = Option(value="yes", text=plain(ASK_CHECKS))
    boxes = CheckboxesElement(
        action_id=VALUE, options=[box], initial_options=[box] if is_ticked else None
    )
    return _input("asks_checks", boxes, optional=True)


def _weekday(weekday: int) -> Block:
    options = [
        Option(value=str(number), text=plain(name)) for number, name in enumerate(WEEKDAYS[:5])
    ]
    days = StaticSelectElement(
        action_id=VALUE, options=options, initial_option=option_with_value(options, weekday)
    )
    return _input("default_weekday", days)


def _time(at: time) -> Block:
    return _input("default_time", TimePickerElement(action_id=VALUE, initial_time=f"{at:%H:%M}"))


def _zone(zone: str) -> Block:
    return text_input(
        "default_zone",
        NAMES["default_zone"],
        VALUE,
        limit=LONGEST_ZONE,
        value=zone,
        hint=HINTS["default_zone"],
        optional=False,
    )


def _country(country: str | None) -> Block:
    """Return a select of all countries; Slack filters what it offers while one types."""
    none = Option(value=NO_COUNTRY, text=plain(NAMED_NO_COUNTRY))
    groups = [OptionGroup(label=plain(WITHOUT_COUNTRY), options=[none])]
    options = {name: Option(value=code, text=plain(name)) for code, name in countries().items()}
    for letter, names in groupby(options, key=lambda name: normalize("NFD", name)[0]):
        group = [options[name] for name in names]
        groups.append(OptionGroup(label=plain(letter), options=group))
    chosen = option_with_value([*options.values()], country) or none
    menu = StaticSelectElement(action_id=VALUE, option_groups=groups, initial_option=chosen)
    return _input("country", menu)


def _chosen_country(option: Mapping[str, Any]) -> str | None:
    value = option["value"]
    if value == NO_COUNTRY:
        return None
    if value not in countries():
        raise ValueError("not a country that was offered")
    return str(value)


def _input(name: str, element: Any, *, optional: bool = False) -> Block:
    hint = HINTS.get(name)
    return InputBlock(
        block_id=name,
        label=plain(NAMES[name]),
        element=element,
        hint=plain(hint) if hint else None,
        optional=optional,
    )


def _integer(text: str | None) -> int:
    return int(text) if text and text.lstrip("-").isdecimal() else -1
