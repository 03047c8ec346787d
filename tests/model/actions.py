"""User actions in Slack: commands, forms, buttons and App Home."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from bot.playground.fake_slack import forms
from tests.harness import BotHarness
from tests.model.facts import CHECK
from tests.scenarios.lead import CLEAR, SPRINT, TRUST, Lead

Levels = Mapping[str, int]
WORDS = {
    "milestone_outcome": "hit",
    "outcome": "It is out.",
    "learning": "Review earlier.",
    "thanks": "To all.",
}
STOP_IF = "start.text.stop_if"
REASON = "The customer moved the date."


@dataclass(frozen=True, kw_only=True)
class PhaseRequest:
    """The options of a phase that a user tries to start."""

    channel: str
    is_sprint: bool
    ends: date
    weekday: int
    at: time
    reminds: bool
    co_lead: str | None
    twice: bool  # whether Announce is pressed twice
    stops_if: bool  # whether the form says what would end the phase


async def start(harness: BotHarness, user: str, request: PhaseRequest) -> tuple[str, bool]:
    """Complete the start form; return the refusal, and whether a justification was required."""
    lead = Lead(harness, user)
    await close(harness, user)
    kind = "results" if request.is_sprint else "trust"
    refusal = await lead.types(f"{kind} until {request.ends}", request.channel)
    if refusal:
        return refusal, False
    await harness.settle()  # refusals that need a Slack lookup appear in the form
    if lead.me.top_view is None or not lead.me.top_view.get("submit"):
        return "refused in the form", False
    reason_needed = "start.text.justification" in lead.inputs
    reason = {"start.text.justification": REASON} if reason_needed else {}
    if errors := await lead.sends(**CLEAR, **reason):
        return str(errors), reason_needed
    if "start.co_leads" not in lead.inputs:  # a resumed form has its options open
        await lead.me.click("phase.start.more")
    promise = dict(SPRINT if request.is_sprint else TRUST)
    if request.stops_if or STOP_IF in lead.inputs:  # a resumed form has it open
        if STOP_IF not in lead.inputs:
            await lead.me.click("phase.start.richer")
        promise[STOP_IF] = REASON if request.stops_if else ""
    if errors := await lead.sends(**promise, **_options(request)):
        return str(errors), reason_needed
    await _announce(harness, lead, 2 if request.twice else 1)
    return "", reason_needed


def _options(request: PhaseRequest) -> dict[str, Any]:
    options: dict[str, Any] = {
        "start.weekday": str(request.weekday),
        "start.time_of_day": request.at.isoformat("minutes"),
        "start.remind": ["yes"] if request.reminds else [],
    }
    if request.co_lead:
        options["start.co_leads"] = [request.co_lead]
    return options


async def _announce(harness: BotHarness, lead: Lead, times: int) -> None:
    view_id = lead.view["id"]
    await asyncio.gather(*(lead.me.submit(view_id) for _ in range(times)))
    await harness.settle()


async def close(harness: BotHarness, user: str) -> None:
    me = harness.slack.as_user(user)
    while me.top_view is not None:
        await me.close(everything=True)


async def poll(harness: BotHarness, user: str, channel: str) -> str:
    return (await harness.slack.as_user(user).command("/imbalance poll", channel)).text


async def end(harness: BotHarness, user: str, channel: str, outcomes: Mapping[int, str]) -> str:
    """Wrap up; return the refusal, or an empty text."""
    lead = Lead(harness, user)
    await close(harness, user)
    refusal = (await lead.me.command("/imbalance end", channel)).text
    if refusal:
        return refusal
    chosen = {name: value for name, value in WORDS.items()}
    chosen |= {f"outcome:{at}": outcome for at, outcome in outcomes.items()}
    return str(await lead.sends(**chosen) or "")


async def change_item(
    harness: BotHarness, user: str, channel: str, change: str, until: date
) -> str:
    """Bring the first item on hold back, or park it; return the refusal, or an empty text."""
    lead = Lead(harness, user)
    await close(harness, user)
    answer = await lead.me.command("/imbalance", channel)
    if '"on_hold.open"' not in json.dumps(answer.body):
        return "no button"
    await lead.me.click("on_hold.open", channel=channel)
    fields = [name for name in lead.inputs if name.startswith("item:0:")]
    if not fields:
        return "nothing on hold"
    typed = {fields[0]: change, "until:0": until.isoformat(), "reason": REASON}
    return str(await lead.sends(**typed) or "")


async def reply(harness: BotHarness, user: str, *, is_change: bool) -> tuple[str | None, str]:
    """Reply to the newest results with the button; return their round, and the refusal."""
    values = {
        "results.choice": "change" if is_change else "nothing",
        "results.reply.change": REASON,
    }
    return await _press_and_send(harness, user, "results.reply", values)


async def decide(harness: BotHarness, user: str, choice: str) -> tuple[str | None, str]:
    """Decide whether a phase goes on; return which decision was asked for, and the refusal."""
    values = {"decisions.choice": choice, "decisions.text": REASON}
    return await _press_and_send(harness, user, "decisions.decide", values)


async def _press_and_send(
    harness: BotHarness, user: str, button: str, values: dict[str, str]
) -> tuple[str | None, str]:
    """Press the newest such button in a direct message and send its form.

    Return the button's value, None without a button, and the refusal.
    """
    lead = Lead(harness, user)
    await close(harness, user)
    direct = lead.me.direct_message
    for message in reversed(lead.me.dm_with_bot()):
        for _, element in forms.elements(message.get("blocks") or []):
            if element.get("action_id") == button and direct is not None:
                await lead.me.click(button, channel=direct.id, ts=message["ts"])
                if lead.me.top_view is None:
                    return element["value"], "no form"
                return element["value"], str(await lead.sends(**values) or "")
    return None, ""


async def extend(harness: BotHarness, user: str, channel: str, until: date) -> str:
    """Extend; return the refusal, or an empty text."""
    lead = Lead(harness, user)
    await close(harness, user)
    refusal = (await lead.me.command("/imbalance extend", channel)).text
    if refusal:
        return refusal
    if lead.page != "Extend":
        return "extended before"
    return str(await lead.sends(ends_on=until.isoformat(), reason=REASON) or "")


async def answer(
    harness: BotHarness, user: str, round_id: str, levels: Levels, comment: str, *, times: int = 1
) -> str:
    """Tap in the message, each button `times` times; change folded answers in the form.

    Return the refusal of a form, before any tap.
    """
    me = harness.slack.as_user(user)
    found = _question_message(harness, user, round_id)
    if found is None:
        return "no message"
    place, blocks = found
    taps = {key: f"rounds.tap.{key}.{level}" for key, level in levels.items()}
    open_taps = {key: action for key, action in taps.items() if _has_button(blocks, action)}
    folded = {key: level for key, level in levels.items() if key not in open_taps}
    follows = CHECK in folded and not _has_button(blocks, "rounds.change")
    if follows:  # with many words the check stands in the message after the first answer
        if not open_taps:
            return "no button"
        del folded[CHECK]
    refusal = ""
    if folded or (comment and not _has_button(blocks, "rounds.comment")):
        refusal = await _send_form(harness, user, "rounds.change", place, round_id, folded, comment)
    elif comment:
        refusal = await _send_form(harness, user, "rounds.comment", place, round_id, {}, comment)
    if not refusal:
        for action in open_taps.values():
            await asyncio.gather(*(me.click(action, **place) for _ in range(times)))
    if follows:
        await harness.settle()
        await me.click(taps[CHECK], **place)
    return refusal


async def _send_form(
    harness: BotHarness,
    user: str,
    action: str,
    place: dict[str, Any],
    round_id: str,
    levels: Levels,
    comment: str,
) -> str:
    """Open a form with this button, and send it; return the refusal."""
    me = harness.slack.as_user(user)
    await close(harness, user)
    await me.click(action, **place)
    if me.top_view is None:
        return "no form"
    await me.fill(me.top_view["id"], _form_values(round_id, levels, comment))
    return str((await me.submit()).errors or "")


async def skip(harness: BotHarness, user: str, round_id: str) -> bool:
    found = _question_message(harness, user, round_id)
    if found is None or not _has_button(found[1], "rounds.skip"):
        return False
    await harness.slack.as_user(user).click("rounds.skip", **found[0])
    return True


async def answer_in_home(
    harness: BotHarness, user: str, round_id: str, levels: Levels
) -> dict[str, int]:
    """Tap in App Home; return the levels that were open there."""
    tapped = {}
    for key, level in levels.items():
        view = await home(harness, user)
        try:
            action = _button(view["blocks"], f"home.tap.{key}.{level}", round_id)
        except LookupError:
            continue
        me = harness.slack.as_user(user)
        await me.act({"type": "view", "view_id": view["id"]}, action)
        tapped[key] = level
    return tapped


async def opt(harness: BotHarness, user: str, channel: str, *, out: bool) -> bool:
    """Opt out or in for a channel in App Home; return whether the button is there."""
    view = await home(harness, user)
    try:
        action = _button(view["blocks"], "home.opt_out" if out else "home.opt_in", channel)
    except LookupError:
        return False
    await harness.slack.as_user(user).act({"type": "view", "view_id": view["id"]}, action)
    return True


async def home(harness: BotHarness, user: str) -> dict[str, Any]:
    await harness.slack.as_user(user).open_home()
    await harness.settle()
    view = harness.slack.as_user(user).home
    assert view is not None
    return view


async def say(harness: BotHarness, user: str, channel: str, button: str, text: str) -> bool:
    """Send My part or a concern from the announcement; return whether the form opened."""
    me = harness.slack.as_user(user)
    await close(harness, user)
    try:
        await me.click(f"phase.{button}", channel=channel)
    except LookupError:
        return False
    if me.top_view is None:
        return False
    block = "phase.part.text" if button == "my_part" else "phase.concern.text"
    await me.fill(me.top_view["id"], {block: text})
    await me.submit()
    return True


def _question_message(
    harness: BotHarness, user: str, round_id: str
) -> tuple[dict[str, Any], Any] | None:
    """Return the newest message to this person with a button for this round."""
    for message in reversed(harness.slack.as_user(user).dm_with_bot()):
        direct = harness.slack.as_user(user).direct_message
        assert direct is not None
        for _, element in forms.elements(message.get("blocks") or []):
            if element.get("value") == round_id:
                return {"channel": direct.id, "ts": message["ts"]}, message["blocks"]
    return None


def _form_values(round_id: str, levels: Levels, comment: str) -> dict[str, str]:
    typed = {f"answer:{round_id}:{key}": str(level) for key, level in levels.items()}
    return typed | ({f"answer:{round_id}:comment": comment} if comment else {})


def _has_button(blocks: Any, action_id: str) -> bool:
    return any(element["action_id"] == action_id for _, element in forms.elements(blocks))


def _button(blocks: Any, action_id: str, value: str) -> dict[str, Any]:
    for block, element in forms.elements(blocks):
        if element["action_id"] == action_id and element.get("value") == value:
            same = {key: element[key] for key in ("type", "action_id", "value", "text")}
            return {**same, "block_id": block["block_id"]}
    raise LookupError(action_id)
