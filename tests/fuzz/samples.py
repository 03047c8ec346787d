"""Valid payloads of every handler, recorded while people use the bot in the fake Slack.

Nothing here names a button or a form: an explorer presses everything that a person can see, and
sends every form that opens, so the samples follow the code.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from bot.playground.fake_slack import block_actions, forms
from bot.playground.fake_slack.app_responses import AppResponse
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.model import Json
from bot.playground.fake_slack.people import Person
from tests.fuzz.target import Snapshot, Target
from tests.harness import BEN, CHIARA, LAUNCH
from tests.scenarios.lead import CLEAR, SPRINT, TRUST

_LEVEL_BUTTON = re.compile(r"\.\w+\.[1-5]$")
#: Forms that open from forms that open from forms are not followed any further.
DEEPEST = 9
_TYPED: dict[str, Any] = {**TRUST, **SPRINT, **CLEAR, "outcome": "The beta is out."}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A payload, how Slack sends it, and the state just before."""

    name: str
    kind: str  # the fake Slack's: slash_commands, interactive or events_api
    payload: Json
    state: Snapshot


def fresh(core: Core, payload: Json) -> Json:
    """Return a copy that Slack could send now: with an unused trigger, URL and event id."""
    payload = deepcopy(payload)
    user_id = str(payload.get("user_id") or (payload.get("user") or {}).get("id"))
    if "trigger_id" in payload:
        in_modal = (payload.get("view") or {}).get("type") == "modal"
        payload["trigger_id"] = core.triggers.issue(user_id, in_modal=in_modal)
    if "response_url" in payload:
        channel_id = str(payload.get("channel_id") or payload["channel"]["id"])
        path = core.tickets.issue(user_id, channel_id, payload.get("container"))
        payload["response_url"] = core.url + path
    if "event_id" in payload:
        payload["event_id"] = core.ids.new("Ev")
    return payload


def name_of(payload: Json) -> str:
    """Return the type of a payload, and whatever decides which handler it reaches."""
    if "command" in payload:
        return f"{payload['command']} {payload['text']}".strip()
    kind = str(payload["type"])
    if kind == "event_callback":
        return f"event {payload['event']['type']}"
    if kind == "block_actions":
        place = payload["container"]["type"]
        return _press_in(place, payload["actions"][0]["action_id"])
    if kind == "message_action":
        return f"{kind} {payload['callback_id']}"
    return f"{kind} {payload['view']['callback_id']}"


def _press_in(place: str, action_id: str) -> str:
    """Return the name of a press; the five buttons under each question are one kind.

    "Can't say" under the check is another.
    """
    return f"{_LEVEL_BUTTON.sub('', action_id)} in a {place}"


@dataclass
class Recorder:
    """Records the payloads that the fake Slack sends, each kind once."""

    target: Target
    samples: dict[str, Sample] = field(default_factory=dict)
    state: Snapshot | None = None  # before the current action; None: nothing is recorded
    #: Commands are valid in every state, and recorded once in each.
    stage: str = ""

    def __post_init__(self) -> None:
        http = self.target.harness.slack.core.http
        self._deliver = http.deliver
        http.deliver = self._record_and_deliver  # type: ignore[method-assign]

    def stop(self) -> None:
        self.target.harness.slack.core.http.deliver = self._deliver  # type: ignore[method-assign]

    def key_of(self, payload: Json) -> str:
        stage = f"{self.stage}: " if "command" in payload else ""
        return f"{stage}{name_of(payload)}"

    async def _record_and_deliver(
        self, kind: str, payload: Json, attempt: int, reason: str
    ) -> AppResponse:
        name = self.key_of(payload)
        if self.state is not None and name not in self.samples:
            self.samples[name] = Sample(
                name=name, kind=kind, payload=deepcopy(payload), state=self.state
            )
        return await self._deliver(kind, payload, attempt, reason)

    # ------------------------------------------------------------ exploring

    async def explore(self, *user_ids: str, commands: tuple[str, ...] = ()) -> None:
        """Use whatever these people see that is not recorded yet; then undo its effects."""
        here = await self.target.snapshot()
        for user_id in user_ids:
            me = self.target.harness.slack.as_user(user_id)
            self.state = here
            await me.open_home()
            await self.target.harness.settle()
            with_home = await self.target.snapshot()
            for words in commands:
                self.state = with_home
                await me.command(f"/imbalance {words}".strip(), LAUNCH)
                await self._follow(me, DEEPEST)
                await self.target.restore(with_home)
            await self._press_everything(me, DEEPEST)
            self.state = None
            await self.target.restore(here)

    async def explore_form(self, me: Person) -> None:
        """Use the form that is open."""
        await self._press_everything(me, DEEPEST)
        self.state = None

    async def _press_everything(self, me: Person, depth: int) -> None:
        await self.target.harness.settle()
        unused = [
            (container, action_id)
            for container, action_id in self._visible(me)
            if not self._has(container, action_id)
        ]
        if not unused:
            return
        here = await self.target.snapshot()
        for container, action_id in unused:
            if self._has(container, action_id):
                continue
            self.state = here
            blocks = block_actions.blocks_in(me.core, container)
            _, element = forms.find(blocks, action_id)
            value = None if element["type"] == "button" else _choice(element)
            action = block_actions.action_payload(blocks, element, value)
            await me.act(container, action, _typed_in(blocks))
            await self._follow(me, depth - 1)
            await self.target.restore(here)

    async def _follow(self, me: Person, depth: int) -> None:
        """Use what has appeared, and send the form that is open now."""
        if not depth:
            return
        await self._press_everything(me, depth)
        shown = me.top_view
        if shown is None or not shown.get("submit"):
            return
        if f"view_submission {shown['callback_id']}" in self.samples:
            return
        known = me.core.workspace.views[shown["id"]].typed
        block_actions.merge(known, _typed_in(shown["blocks"]))
        self.state = await self.target.snapshot()
        await me.submit()
        await self._follow(me, depth - 1)

    def _has(self, container: Json, action_id: str) -> bool:
        return _press_in(container["type"], action_id) in self.samples

    def _visible(self, me: Person) -> Iterator[tuple[Json, str]]:
        """Yield what can be pressed or chosen with effect at once; a form hides the rest."""
        workspace = me.core.workspace
        top, home = workspace.top_of(me.user_id), workspace.home_of(me.user_id)
        containers: list[Json] = []
        if top is not None:
            containers = [{"type": "view", "view_id": top.id}]
        else:
            if home is not None:
                containers.append({"type": "view", "view_id": home.id})
            direct = me.direct_message
            for channel in [LAUNCH, *([direct.id] if direct else [])]:
                containers += [
                    {"type": "message", "channel_id": channel, "message_ts": message["ts"]}
                    for message in reversed(me.visible(channel))
                ]
        for container in containers:
            for block, element in forms.elements(block_actions.blocks_in(me.core, container)):
                if block["type"] != "input" or block.get("dispatch_action"):
                    yield container, element["action_id"]


def _typed_in(blocks: list[Json]) -> dict[str, dict[str, Json]]:
    """Return something for every input."""
    typed: dict[str, dict[str, Json]] = {}
    for block, element in forms.elements(blocks):
        if element["type"] in forms.STATE_KEYS:
            value = _TYPED.get(block["block_id"]) or _choice(element)
            state = forms.plain_state(element, value)
            typed.setdefault(block["block_id"], {})[element["action_id"]] = state
    return typed


def _choice(element: Json) -> Any:
    key, initial = forms.STATE_KEYS[element["type"]]
    if element.get(initial):
        return {key: element[initial]}
    if key == "selected_option":
        return forms.options_of(element)[-1]
    if key == "selected_options":
        return [forms.options_of(element)[0]["value"]]
    choices = {
        "selected_user": BEN,
        "selected_users": [BEN, CHIARA],
        "selected_date": "2026-12-09",
        "selected_time": "10:00",
    }
    return choices.get(key, "Some words.")
