"""The trials, one function each: post messages, observe, and conclude."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientError
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.models.blocks import (
    ActionsBlock,
    ButtonElement,
    ImageBlock,
    InputBlock,
    Option,
    PlainTextInputElement,
    RadioButtonsElement,
)
from slack_sdk.models.blocks.basic_components import SlackFile
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import monotonic, new_id
from bot.outbox.web_api import METADATA_TYPE
from bot.results.chart import ChartFacts, ChartRound, Line, draw_in_child
from bot.slack.content import plain, section
from bot.slack.errors import classify, reason_of

POSTS = 5
EVENT_SECONDS = 30.0
HISTORY_SECONDS = 20.0
LOOK_EVERY_SECONDS = 0.2
#: The settling time is the slowest of a few reads times this.
SAFETY_FACTOR = 10
MIN_SETTLE_SECONDS = 120
SEND, SEE, SEE_NOT = "verify.send", "verify.see", "verify.see_not"
CHOICE, WORDS = "verify.choice", "verify.words"
RELOAD = (
    "*Inputs after a reload.* On a computer: choose and write something below, reload Slack "
    "(Ctrl+R or Cmd+R), then press *Send*."
)
PHONE = (
    "*Inputs on a phone.* On a phone: choose and write something below, leave this conversation "
    "and come back, then press *Send*."
)
#: A call that Slack refused, or did not respond to.
FAILURES = (SlackClientError, ClientError, TimeoutError)
PICTURE = "*A picture.* Everybody here: do you see a chart below?"


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """The result of a trial, and the conclusion."""

    passed: bool | None  # None if it could not be tried
    text: str

    def __str__(self) -> str:
        mark = {True: "ok  ", False: "LOOK", None: "-   "}[self.passed]
        return f"{mark}  {self.text}"


@dataclass(kw_only=True)
class Trials:
    """The workspace and conversation of the trials, and the events received."""

    client: AsyncWebClient
    channel: str
    wait: float
    event_times: dict[str, float] = field(
        default_factory=dict
    )  # times of metadata events, by message id
    event_received: asyncio.Event = field(default_factory=asyncio.Event)
    clicks: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    posted: list[str] = field(default_factory=list)
    #: Returns the number of the app's other connections, which may receive events instead.
    other_connections: Callable[[], int] = lambda: 0

    async def post(self, text: str, **more: Any) -> str:
        """Post a message, to be deleted at the end; return its ts."""
        answer = await self.client.chat_postMessage(channel=self.channel, text=text, **more)
        self.posted.append(str(answer["ts"]))
        return self.posted[-1]

    async def delete_posts(self) -> None:
        """Delete the posted messages; print how many could not be deleted."""
        remaining = 0
        for ts in dict.fromkeys(self.posted):
            try:
                await self.client.chat_delete(channel=self.channel, ts=ts)
            except FAILURES:
                remaining += 1
        if remaining:
            print(
                TrialResult(
                    passed=False,
                    text=f"{remaining} trial messages could not be deleted: delete them",
                )
            )

    def listen(self, app: AsyncApp) -> None:
        """Receive our own metadata events, and presses of the buttons of the trials."""

        async def on_metadata(body: dict[str, Any]) -> None:
            metadata = body["event"]["metadata"]
            self.event_times.setdefault(metadata["event_payload"].get("id", ""), monotonic())
            self.event_received.set()

        async def on_press(ack: Callable[[], Awaitable[None]], body: dict[str, Any]) -> None:
            await ack()
            await self.clicks.put(body)

        app.event("message_metadata_posted")(on_metadata)
        for action in (SEND, SEE, SEE_NOT):
            app.action(action)(on_press)


async def run_trials(trials: Trials, tries: "Sequence[Try]") -> AsyncIterator[TrialResult]:
    """Run each trial in turn."""
    for attempt in tries:
        try:
            seen = await attempt(trials)
        except FAILURES as error:
            name = getattr(attempt, "func", attempt).__name__.strip("_").replace("_", " ")
            text = f"{name}: could not be tried ({classify(error).reason})."
            note = "" if isinstance(error, SlackApiError) else " A trial message may be left there."
            seen = TrialResult(passed=None, text=text + note)
        yield seen


async def _twice(trials: Trials) -> TrialResult:
    client_id = new_id()
    first = await trials.post("Imbalance tries: one message, sent twice.", client_msg_id=client_id)
    try:
        second = await trials.post(
            "Imbalance tries: one message, sent twice.", client_msg_id=client_id
        )
    except SlackApiError as error:
        return TrialResult(
            passed=True, text=f"client_msg_id: the second post is refused ({reason_of(error)})."
        )
    if first == second:
        return TrialResult(passed=True, text="client_msg_id: Slack keeps one of two equal posts.")
    return TrialResult(
        passed=True,
        text="client_msg_id: Slack keeps both of two equal posts, as expected. Unknown outcomes "
        "are looked up before anything is sent again; nothing to set.",
    )


async def _events(trials: Trials) -> TrialResult:
    sent: dict[str, float] = {}
    for number in range(POSTS):
        ident = new_id()
        sent[ident] = monotonic()
        await trials.post(
            f"Imbalance tries: its own event, {number + 1}.", metadata=_metadata(ident)
        )
    with suppress(TimeoutError):
        async with asyncio.timeout(EVENT_SECONDS):
            while not sent.keys() <= trials.event_times.keys():
                trials.event_received.clear()
                await trials.event_received.wait()
    delays = [
        trials.event_times[ident] - sent[ident] for ident in sent if ident in trials.event_times
    ]
    if len(delays) == POSTS:
        return TrialResult(
            passed=True, text=f"own metadata events: all came, within {max(delays):.1f} s."
        )
    summary = f"own metadata events: {len(delays)} of {POSTS} came within {EVENT_SECONDS:.0f} s."
    others = trials.other_connections()
    if others:
        return TrialResult(
            passed=None,
            text=f"{summary} Others hold {others} of the app's connections, and Slack tells each "
            "event to one: stop the bot, then try again.",
        )
    return TrialResult(
        passed=False,
        text=f"{summary} Check the scope metadata.message:read and metadata_subscriptions in the "
        "app's manifest, and install the app again.",
    )


async def _history(trials: Trials) -> TrialResult:
    slowest = 0.0
    for number in range(POSTS):
        ident, began = new_id(), monotonic()
        await trials.post(f"Imbalance tries: its history, {number + 1}.", metadata=_metadata(ident))
        while not await _is_in_history(trials, ident):
            if monotonic() - began > HISTORY_SECONDS:
                return TrialResult(
                    passed=False,
                    text=f"history: a message was not there after {HISTORY_SECONDS:.0f} s. "
                    "Set SETTLE_SECONDS to 600 or more, and tell us.",
                )
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        slowest = max(slowest, monotonic() - began)
    settle = max(MIN_SETTLE_SECONDS, math.ceil(slowest * SAFETY_FACTOR))
    return TrialResult(
        passed=True,
        text=f"history: each message was there within {slowest:.1f} s. "
        f"SETTLE_SECONDS={settle} is right.",
    )


async def _is_in_history(trials: Trials, message_id: str) -> bool:
    page = await trials.client.conversations_history(
        channel=trials.channel, limit=15, include_all_metadata=True
    )
    payloads = [
        (message.get("metadata") or {}).get("event_payload") for message in page["messages"]
    ]
    return any(payload and payload.get("id") == message_id for payload in payloads)


async def _reload(trials: Trials) -> TrialResult:
    return await _inputs(trials, "inputs after a reload", RELOAD)


async def _phone(trials: Trials) -> TrialResult:
    return await _inputs(trials, "inputs on a phone", PHONE)


async def _inputs(trials: Trials, name: str, instructions: str) -> TrialResult:
    options = [Option(value=str(number), label=str(number)) for number in range(1, 6)]
    choice = RadioButtonsElement(action_id=CHOICE, options=options)
    words = PlainTextInputElement(action_id=WORDS, multiline=True)
    await trials.post(
        "Imbalance tries: inputs in a message.",
        blocks=[
            section(instructions),
            InputBlock(block_id=CHOICE, label=plain("A number"), element=choice, optional=True),
            InputBlock(block_id=WORDS, label=plain("Some words"), element=words, optional=True),
            ActionsBlock(elements=[ButtonElement(text="Send", action_id=SEND)]),
        ],
    )
    print(f"      {name}: waiting up to {trials.wait:.0f} s for somebody to follow the message")
    body = await _next_press(trials, trials.wait)
    if body is None:
        return TrialResult(passed=None, text=f"{name}: nobody pressed Send.")
    values = body["state"]["values"]
    arrived = [
        bool(values[CHOICE][CHOICE].get("selected_option")),
        bool(values[WORDS][WORDS].get("value")),
    ]
    if all(arrived):
        return TrialResult(passed=True, text=f"{name}: the choice and the words arrived.")
    return TrialResult(
        passed=False,
        text=f"{name}: choice {'arrived' if arrived[0] else 'lost'}, words "
        f"{'arrived' if arrived[1] else 'lost'}. Tell people to answer in one go, or with the form "
        "(*Send* with nothing chosen opens it).",
    )


async def _picture(trials: Trials) -> TrialResult:
    picture = ImageBlock(alt_text="A chart for a trial", slack_file=await uploaded_chart(trials))
    blocks = [section(PICTURE), picture, see_buttons()]
    await trials.post("Imbalance tries: a picture.", blocks=blocks)
    advice = "Give the app files:read, or results go without pictures."
    return await count_views(trials, "picture", advice)


async def uploaded_chart(trials: Trials) -> SlackFile:
    """Upload a chart, as results have one."""
    facts = ChartFacts(
        rounds=(ChartRound(name="First", day=1), ChartRound(name="Week 2", day=8)),
        lines=(Line(label="Trial", levels=(2.5, 4.0)),),
        start="23 Nov",
        end="4 Dec",
        days=11,
    )
    uploaded = await trials.client.files_upload_v2(
        content=await draw_in_child(facts.as_json()), filename="trial.png", title="Trial"
    )
    return SlackFile(id=str(uploaded["files"][0]["id"]))


def see_buttons(seen: str = "I see it", not_seen: str = "I don't") -> ActionsBlock:
    """Return the buttons with which people answer a question about what they see."""
    return ActionsBlock(
        elements=[
            ButtonElement(text=seen, action_id=SEE),
            ButtonElement(text=not_seen, action_id=SEE_NOT),
        ]
    )


async def count_views(trials: Trials, name: str, advice: str) -> TrialResult:
    """Wait for everybody to say whether they see it; `advice` is for when somebody does not."""
    print(f"      {name}: waiting {trials.wait:.0f} s for everybody here to press a button")
    choices: dict[str, str] = {}
    until = monotonic() + trials.wait
    while (body := await _next_press(trials, until - monotonic())) is not None:
        choices[body["user"]["id"]] = body["actions"][0]["action_id"]
    missing = sum(answer == SEE_NOT for answer in choices.values())
    if not choices:
        return TrialResult(passed=None, text=f"{name}: nobody pressed a button.")
    text = f"{name}: {len(choices) - missing} of {len(choices)} see it."
    return TrialResult(passed=not missing, text=f"{text} {advice}" if missing else text)


async def _next_press(trials: Trials, seconds: float) -> dict[str, Any] | None:
    with suppress(TimeoutError):
        return await asyncio.wait_for(trials.clicks.get(), max(0.0, seconds))
    return None


def _metadata(message_id: str) -> dict[str, Any]:
    return {"event_type": METADATA_TYPE, "event_payload": {"id": message_id}}


Try = Callable[[Trials], Awaitable[TrialResult]]
WITHOUT_PEOPLE: tuple[Try, ...] = (_twice, _events, _history)
WITH_PEOPLE: tuple[Try, ...] = (_reload, _phone, _picture)
