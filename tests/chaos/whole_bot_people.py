"""The bot's people, who try again where nobody answered, and what comes between."""

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
from tests.chaos.whole_bot_run import Play
from tests.harness import LAUNCH, MEMBERS, WORKSPACE
from tests.outages.load import SILENCE, Crowd, Member
from tests.scenarios.lead import CLEAR, SPRINT

ANSWERERS = tuple(f"U1M{number:03}" for number in range(8))
NUMBERED = "Number "
READERS = (LAUNCH, *MEMBERS[:4])
LEADS = MEMBERS[4:7]
MOST_PHASES = 600
LOOK_SECONDS = 0.05
ANSWER_SECONDS = 0.3
SAY_SECONDS = 0.05
FAULT_SECONDS = 0.7


class Doubter(Member):
    """Someone who knows that silence says nothing."""

    def may_be_kept(self) -> set[int]:
        sure = super().may_be_kept()
        unheard = {one.serial for one in self.told if one.meaning == SILENCE}
        return sure | {serial for serial in unheard if serial > min(sure)}


@dataclass
class People:
    """All of them at once."""

    play: Play
    crowd: Crowd = field(init=False)
    phases: list[int] = field(default_factory=list)  # numbers of the channels they began one in

    def __post_init__(self) -> None:
        members: list[Member] = [Doubter(user_id=one) for one in ANSWERERS]
        self.crowd = Crowd(slack=self.play.slack, members=members)

    async def answer(self) -> None:
        """Until the crowd is told to stop."""
        await self.crowd.answer_until_stopped(ANSWER_SECONDS)

    async def say(self) -> None:
        """Messages with numbers, to people and a channel, each in a transaction."""
        play, wanted = self.play, self.play.scenario.messages
        for number in count():
            if number >= wanted and not play.to_hit:
                return
            text = f"{NUMBERED}{number}"
            async with play.db.transaction() as tx:
                await enqueue.post(
                    tx,
                    WORKSPACE,
                    key=MessageKey(f"number:{number}"),
                    to=READERS[number % len(READERS)],
                    content=content(text, section(text)),
                    now=real_now(),
                )
            await asyncio.sleep(SAY_SECONDS if number < wanted else FAULT_SECONDS)

    async def lead(self, number: int) -> None:
        """Begin phase after phase, each in its own channel.

        After the first ones only while somebody lives who is to die of it: a fast machine would
        have begun all of them before the last of these was born.
        """
        for at in range(number, MOST_PHASES, len(LEADS)):
            while at >= self.play.scenario.phases and not _at_beginnings(self.play.alive.values()):
                if not _at_beginnings(self.play.to_hit):
                    return
                await asyncio.sleep(LOOK_SECONDS)
            self.phases.append(at)
            await self._begin(at, LEADS[number])

    async def _begin(self, number: int, lead: str) -> None:
        """However often it takes."""
        workspace = self.play.slack.workspace
        launch = workspace.conversations[LAUNCH]
        nothing: dict[str, Any] = {"messages": {}, "ephemerals": [], "pins": [], "bookmarks": []}
        nothing["members"] = [one for one in launch.members if one not in ANSWERERS]
        here = replace(launch, id=channel_of(number), name=f"chaos-{number}", **nothing)
        workspace.conversations[here.id] = here
        me = self.play.slack.as_user(lead)
        while not (await begun(self.play, number) and me.top_view is None):
            view = me.top_view
            if view is None:
                await me.command("/imbalance start results 2w", here.id)
                continue
            asked = {block["block_id"] for block in view["blocks"]}
            said = {**CLEAR, **SPRINT}
            await me.fill(view["id"], {name: said[name] for name in asked & said.keys()})
            answer = await me.submit() if view["submit"] else None
            heard = answer is not None and not answer.errors
            if not heard or await begun(self.play, number):
                await me.close(everything=True)
            await asyncio.sleep(LOOK_SECONDS)


def _at_beginnings(steps: Iterable[str]) -> bool:
    """Whether one of these is at the beginning of a phase."""
    return any(STEPS.get(step, "").endswith("announce") for step in steps)


def channel_of(number: int) -> str:
    return f"C0CHAOS{number}"


async def begun(play: Play, number: int) -> int:
    """How many phases were begun in this channel."""
    phases = schema.phases
    async with play.db.reading() as reader:
        found = await reader.scalar(
            select(func.count())
            .select_from(phases)
            .where(phases.c.channel_id == channel_of(number))
        )
        return found or 0


async def environment(play: Play) -> None:
    """Connections are renewed and cut, acknowledgements and answers lost, events repeated."""
    faults = play.slack.faults
    strikes: tuple[Callable[[], object], ...] = (
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
        play.rng.choice(strikes)()
