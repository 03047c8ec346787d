"""The form in which an admin sets limits, defaults and wording: ids, build, parse."""

from collections.abc import Mapping
from datetime import time
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    InputBlock,
    NumberInputElement,
    Option,
    PlainTextInputElement,
    StaticSelectElement,
    TimePickerElement,
    UserMultiSelectElement,
)
from slack_sdk.models.views import View

from bot.slack.content import context, header, plain, section
from bot.slack.mrkdwn import clean
from bot.workspaces.rules import (
    BOUNDS,
    LONGEST_LABEL,
    LONGEST_QUESTION,
    QUESTION_KEYS,
    WorkspaceSettings,
)

FORM = "workspaces.settings"
VALUE = "workspaces.value"
TITLE = "Settings"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")

LIMITS, ANSWERS, DEFAULTS, WORDING = "Limits", "Answers", "Defaults of a new phase", "Wording"
LABELS = {
    "sprint_warn_weeks": "Warn of sprints over so many weeks",
    "sprint_max_weeks": "Longest results sprint, extensions included, in weeks",
    "trust_max_weeks": "Longest trust-building phase in weeks",
    "budget_percent": "Sprints may take so many per cent of 90 days without a justification",
    "minimum_small": "Answers needed in teams of 4 to 7",
    "minimum_large": "Answers needed in teams of 8 or more",
    "default_weeks": "Length in weeks",
}
STARTERS = "Who may start phases"
STARTERS_HINT = "Left empty, any full member of a channel may. Admins always may."
WEEKDAY, TIME = "Day of the weekly questions", "Time, in each person's own zone"
MINIMUM_HINT = "It can be raised, never lowered: fewer answers would show people."
WORDS = {"label": "label", "to_member": "to members", "to_lead": "to the lead"}
QUESTION_NAMES = {"clarity": "Clarity", "trust": "Trust", "ego": "Ego"}
WORDING_HINT = (
    "Left empty, our wording stands. In what members read, {lead} becomes the lead's name and "
    "{does} becomes does or do."
)
READ_ONLY = "Only workspace admins change these. Ask one of them."


def build(settings: WorkspaceSettings) -> View:
    """The form as things are set now."""
    blocks: list[Block] = [
        header(LIMITS),
        *(
            _number(name, settings)
            for name in (
                "sprint_warn_weeks",
                "sprint_max_weeks",
                "trust_max_weeks",
                "budget_percent",
            )
        ),
        _starters(settings),
        header(ANSWERS),
        _number("minimum_small", settings),
        _number("minimum_large", settings),
        context(MINIMUM_HINT),
        header(DEFAULTS),
        _number("default_weeks", settings),
        _weekday(settings),
        _time(settings),
        header(WORDING),
        context(WORDING_HINT),
        *_wording(settings),
    ]
    return View(
        type="modal",
        callback_id=FORM,
        title=plain(TITLE),
        submit=plain("Save"),
        close=plain("Cancel"),
        blocks=blocks,
    )


def parse(values: Mapping[str, Any], before: WorkspaceSettings) -> WorkspaceSettings:
    """What is chosen and typed; what the form does not ask stays as it was."""
    given = {name: states[VALUE] for name, states in values.items() if VALUE in states}
    starters = tuple(given["starters"].get("selected_users") or ())
    chosen_day = given["default_weekday"]["selected_option"]["value"]
    numbers = {name: int(given[name]["value"]) for name in LABELS}
    return WorkspaceSettings(
        **numbers,
        starters=starters or None,
        default_weekday=int(chosen_day),
        default_time=time.fromisoformat(given["default_time"]["selected_time"]),
        default_zone=before.default_zone,
        questions=_reworded(given),
    )


def overview(settings: WorkspaceSettings) -> list[Block]:
    """The same for who may only read it."""
    lines = [f"{label}: {getattr(settings, name)}" for name, label in LABELS.items()]
    who = ", ".join(f"<@{one}>" for one in settings.starters or ()) or "any full member"
    lines += [
        f"{STARTERS}: {who}",
        f"{WEEKDAY}: {WEEKDAYS[settings.default_weekday]}",
        f"{TIME}: {settings.default_time:%H:%M}",
    ]
    return [section("\n".join(lines)), context(READ_ONLY)]


def _number(name: str, settings: WorkspaceSettings) -> Block:
    low, high, _ = BOUNDS[name]
    return InputBlock(
        block_id=name,
        label=plain(LABELS[name]),
        element=NumberInputElement(
            action_id=VALUE,
            is_decimal_allowed=False,
            initial_value=str(getattr(settings, name)),
            min_value=str(low),
            max_value=str(high),
        ),
    )


def _starters(settings: WorkspaceSettings) -> Block:
    return InputBlock(
        block_id="starters",
        label=plain(STARTERS),
        hint=plain(STARTERS_HINT),
        element=UserMultiSelectElement(
            action_id=VALUE,
            initial_users=list(settings.starters) if settings.starters else None,
        ),
        optional=True,
    )


def _weekday(settings: WorkspaceSettings) -> Block:
    options = [Option(value=str(at), text=plain(name)) for at, name in enumerate(WEEKDAYS)]
    return InputBlock(
        block_id="default_weekday",
        label=plain(WEEKDAY),
        element=StaticSelectElement(
            action_id=VALUE,
            options=options,
            initial_option=options[settings.default_weekday],
        ),
    )


def _time(settings: WorkspaceSettings) -> Block:
    return InputBlock(
        block_id="default_time",
        label=plain(TIME),
        element=TimePickerElement(action_id=VALUE, initial_time=f"{settings.default_time:%H:%M}"),
    )


def _wording(settings: WorkspaceSettings) -> list[Block]:
    return [
        InputBlock(
            block_id=f"{key}_{name}",
            label=plain(f"{QUESTION_NAMES[key]}, {said}"),
            element=PlainTextInputElement(
                action_id=VALUE,
                multiline=name != "label",
                max_length=LONGEST_LABEL if name == "label" else LONGEST_QUESTION,
                initial_value=settings.questions.get(key, {}).get(name) or None,
            ),
            optional=True,
        )
        for key in QUESTION_KEYS
        for name, said in WORDS.items()
    ]


def _reworded(given: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    questions = {
        key: {
            name: words
            for name in WORDS
            if (words := clean(given[f"{key}_{name}"].get("value") or ""))
        }
        for key in QUESTION_KEYS
    }
    return {key: words for key, words in questions.items() if words}
