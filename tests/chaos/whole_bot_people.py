"""The users of the bot, who try again until they get a response, and the injected faults."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from sqlalchemy import func, select

from bot.clock import real_now
from bot.db import schema
from bot.outbox import enqueue
from bot.outbox.keys import MessageKey
from bot.slack.content import content, section
from tests.chaos.whole_bot_process import STEPS
from tests.chaos.whole_bot_run import WholeBotRun
from tests.harness import LAUNCH, MEMBERS, WORKSPACE
from tests.outages.load import NO_ANSWER, Crowd, Member
from tests.scenarios.lead import CLEAR, SPRINT

ANSWERERS = tuple(f"U1M{number:03}" for number in range(8))
NUMBERED = "Number "
READERS = (LAUNCH, *MEMBERS[:4])
LEADS = MEMBERS[4:7]
MAX_PHASES = 600
LOOK_SECONDS = 0.05
ANSWER_SECONDS = 0.3
MESSAGE_SECONDS = 0.05
FAULT_SECONDS = 0.7


class CautiousMember(Member):
    """Someone for whom an attempt without a response may have been saved."""

    def possible_serials(self) -> set[int]:
        possible = super().possible_serials()
        unanswered = {one.serial for one in self.attempts if one.meaning == NO_ANSWER}
        return possible | {serial for serial in unanswered if serial > min(possible)}


@dataclass
class People:
    """All users at once."""

    run: WholeBotRun
    crowd: Crowd = field(init=False)
    phases: list[int] = field(default_factory=list)  # numbers of the channels with a phase

    def __post_init__(self) -> None:
        members: list[Member] = [CautiousMember(user_id=one) for one in ANSWERERS]
        self.crowd = Crowd(slack=self.run.slack, members=members)

    async def answer(self) -> None:
        """Answer until the crowd is stopped."""
        await self.crowd.answer_until_stopped(ANSWER_SECONDS)

    async def send_numbered_messages(self) -> None:
        """Queue numbered messages to people and a channel, each in its own transaction."""
        run, wanted = self.run, self.run.scenario.messages
        for number in count():
            if number >= wanted and not run.steps_left:
                return
            text = f"{NUMBERED}{number}"
            async with run.db.transaction() as tx:
                await enqueue.post(
                    tx,
                    WORKSPACE,
                    key=MessageKey(f"number:{number}"),
                    to=READERS[number % len(READERS)],
                    content=content(text, section(text)),
                    now=real_now(),
                )
            await asyncio.sleep(MESSAGE_SECONDS if number < wanted else FAULT_SECONDS)

    async def start_phases(self, number: int) -> None:
        """Start phase after phase, each in its own channel.

        After the first ones, wait for a process that is to be killed at such a start: a fast
        machine would otherwise start all of them before the last such process exists.
        """
        for at in range(number, MAX_PHASES, len(LEADS)):
            while at >= self.run.scenario.phases and not _is_any_at_phase_start(
                self.run.alive.values()
            ):
                if not _is_any_at_phase_start(self.run.steps_left):
                    return
                await asyncio.sleep(LOOK_SECONDS)
            self.phases.append(at)
            await self._start_phase(at, LEADS[number])

    async def _start_phase(self, number: int, start_phases: str) -> None:
        """Try until the phase is started."""
        workspace = self.run.slack.workspace
        launch = workspace.conversations[LAUNCH]
        empty: dict[str, Any] = {"messages": {}, "ephemerals": [], "pins": [], "bookmarks": []}
        empty["members"] = [one for one in launch.members if one not in ANSWERERS]
        channel = replace(launch, id=channel_of(number), name=f"chaos-{number}", **empty)
        workspace.conversations[channel.id] = channel
        me = self.run.slack.as_user(start_phases)
        while not (await phase_count(self.run, number) and me.top_view is None):
            view = me.top_view
            if view is None:
                await me.command("/imbalance start results 2w", channel.id)
                continue
            block_ids = {block["block_id"] for block in view["blocks"]}
            answers = {**CLEAR, **SPRINT}
            await me.fill(view["id"], {name: answers[name] for name in block_ids & answers.keys()})
            answer = await me.submit() if view["submit"] else None
            accepted = answer is not None and not answer.errors
            if not accepted or await phase_count(self.run, number):
                await me.close(everything=True)
            await asyncio.sleep(LOOK_SECONDS)


def _is_any_at_phase_start(steps: Iterable[str]) -> bool:
    """Whether one of these steps is at the start of a phase."""
    return any(STEPS.get(step, "").endswith("announce") for step in steps)


def channel_of(number: int) -> str:
    return f"C0CHAOS{number}"


async def phase_count(run: WholeBotRun, number: int) -> int:
    """The number of phases in this channel."""
    phases = schema.phases
    async with run.db.reading() as reader:
        found = await reader.scalar(
            select(func.count())
            .select_from(phases)
            .where(phases.c.channel_id == channel_of(number))
        )
        return found or 0


async def inject_faults(run: WholeBotRun) -> None:
    """Renew and cut connections, lose acknowledgements and responses, repeat events."""
    faults = run.slack.faults
    faults_to_inject: tuple[Callable[[], object], ...] = (
        faults.refresh_sockets,
        faults.cut_sockets,
        faults.lose_acks,
        lambda: faults.duplicate_events(3),
        lambda: faults.fail_next("chat.postMessage", drop=True, after_accept=True),
        lambda: faults.fail_next("chat.postMessage", status=500),
        lambda: faults.fail_next("conversations.history", status=500),
        lambda: faults.fail_next("pins.add", drop=True, after_accept=True),
        lambda: faults.fail_next("bookmarks.add", drop=True, after_accept=True),
        lambda: faults.fail_next("views.open", hang=0.2, after_accept=True),
    )
    while True:
        await asyncio.sleep(FAULT_SECONDS)
        run.rng.choice(faults_to_inject)()
