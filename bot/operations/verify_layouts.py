"""Trials of what messages look like: Slack's own check of every snapshot, and what people see."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, ImageBlock

from bot.operations.verify_trials import (
    TrialResult,
    Trials,
    count_views,
    see_buttons,
    uploaded_chart,
)
from bot.slack.content import section, with_picture
from bot.slack.errors import reason_of

#: Slack's answers of blocks.validate about what it was given; others are about the call.
REFUSALS = {"invalid_blocks", "invalid_message", "invalid_view"}
SHOWN_REFUSALS = 5
BROADCAST = "*A reply in the channel.* Everybody here: do you see a chart below this, and the word "
TEXT_BEFORE, TEXT_AFTER = f"{BROADCAST}BEFORE?", f"{BROADCAST}AFTER?"
FIVE = "*Five buttons.* Everybody here, on a phone: do 1 to 5 stand in one row?"


async def snapshots(trials: Trials, folder: Path) -> TrialResult:
    """Let Slack check every message and view in the tests' snapshots; nothing is posted."""
    checked, refused = 0, list[str]()
    for name, payload in stored_payloads(folder):
        checked += 1
        problem = await _problem(trials, payload)
        if problem:
            refused.append(f"{name}: {problem}")
    if not checked:
        return TrialResult(
            passed=None,
            text=f"snapshots: there are none in {folder}. Run this where the source code is, or "
            "name its tests with --snapshots.",
        )
    if not refused:
        return TrialResult(passed=True, text=f"snapshots: Slack accepts all {checked}.")
    listed = "".join(f"\n        {line}" for line in refused[:SHOWN_REFUSALS])
    return TrialResult(
        passed=False,
        text=f"snapshots: Slack refuses {len(refused)} of {checked}. Tell us:{listed}",
    )


def stored_payloads(folder: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every message and view in the snapshots below a folder, with its file's name."""
    for file in sorted(folder.rglob("__snapshots__/**/*.json")):
        stored = json.loads(file.read_text("utf-8"))
        for payload in _payloads_in(stored):
            yield f"{file.parent.name}/{file.stem}", payload


def _payloads_in(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        if value and all(_is_block(item) for item in value):
            yield {"blocks": value}
            return
        for item in value:
            yield from _payloads_in(item)
    elif isinstance(value, dict):
        if isinstance(value.get("blocks"), list):
            yield value
            return
        for item in value.values():
            yield from _payloads_in(item)


def _is_block(value: Any) -> bool:
    return isinstance(value, dict) and "type" in value and "blocks" not in value


async def _problem(trials: Trials, payload: Mapping[str, Any]) -> str | None:
    """Return why Slack refuses a payload; None: it does not."""
    blocks = with_picture(payload["blocks"], None)  # a chart is uploaded first
    is_view = payload.get("type") in ("modal", "home")
    content = {**payload, "blocks": blocks}
    if not is_view:
        content = {"text": payload.get("text") or "", "blocks": blocks}
    # slack_sdk's own method puts it into the address, where a long message does not fit.
    form = {"view" if is_view else "message": json.dumps(content)}
    try:
        await trials.client.api_call("blocks.validate", data=form)
    except SlackApiError as error:
        if reason_of(error) not in REFUSALS:
            raise
        errors = error.response.get("errors") or [{}]
        return f"{errors[0].get('pointer', '')} {errors[0].get('message', '')}".strip()
    return None


async def broadcast(trials: Trials) -> TrialResult:
    """Edit a reply with a chart that also stands in the channel; ask who sees both."""
    chart = ImageBlock(alt_text="A chart for a trial", slack_file=await uploaded_chart(trials))
    parent = await trials.post("Imbalance tries: a thread.")

    def blocks(text: str) -> list[Block]:
        return [section(text), chart, see_buttons()]

    ts = await trials.post(
        "Imbalance tries: a reply in the channel.",
        blocks=blocks(TEXT_BEFORE),
        thread_ts=parent,
        reply_broadcast=True,
    )
    await trials.client.chat_update(
        channel=trials.channel,
        ts=ts,
        text="Imbalance tries: an edited reply in the channel.",
        blocks=blocks(TEXT_AFTER),
    )
    page = await trials.client.conversations_history(channel=trials.channel, limit=15)
    found = next((message for message in page["messages"] if message["ts"] == ts), None)
    if found is None:
        return TrialResult(passed=False, text="broadcast: after an edit it left the channel.")
    if TEXT_AFTER not in json.dumps(found.get("blocks")):
        return TrialResult(passed=False, text="broadcast: its edit does not reach the channel.")
    return await count_views(trials, "broadcast", "Tell us; results are better read in threads.")


async def five_buttons(trials: Trials) -> TrialResult:
    """Ask whether the five buttons of a question stand in one row on a phone."""
    row = ActionsBlock(
        elements=[
            ButtonElement(text=str(number), action_id=f"verify.{number}") for number in range(1, 6)
        ]
    )
    await trials.post(
        "Imbalance tries: five buttons.", blocks=[section(FIVE), row, see_buttons("Yes", "No")]
    )
    return await count_views(trials, "five buttons in a row", "Tell us; a menu would be better.")
