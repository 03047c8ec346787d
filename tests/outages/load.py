"""Many people who answer, again and again, and remember what they were told."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.clock import monotonic
from bot.db.engine import Database
from bot.keys import KeyRing
from bot.playground.fake_slack.app_answers import Answer
from bot.playground.server import FakeSlack
from bot.rounds import answer_form, ballots, messages
from bot.slack.deadline_app import FULL, NOT_NOW, UNSURE
from tests.conftest import KEY
from tests.harness import WORKSPACE
from tests.rounds.round_rows import ROUND

QUESTION = "clarity"
#: What a person may be told, and what it means for them.
SAVED, UNSAVED, UNCLEAR, SILENCE = "saved", "not saved", "unclear", "silence"
MEANINGS = {"": SAVED, NOT_NOW: UNSAVED, FULL: UNSAVED, UNSURE: UNCLEAR}


@dataclass(kw_only=True)
class Told:
    """One attempt: which, what was said of it, and after how long (seconds)."""

    serial: int
    meaning: str
    seconds: float


@dataclass(kw_only=True)
class Member:
    """Someone who sends another comment each time, so that it is known which one was kept."""

    user_id: str
    told: list[Told] = field(default_factory=list)

    async def answer(self, slack: FakeSlack) -> Told:
        serial = len(self.told) + 1
        began = monotonic()
        answer = await slack.interact(submission(self.user_id, comment=str(serial)))
        told = Told(serial=serial, meaning=meaning_of(answer), seconds=monotonic() - began)
        self.told.append(told)
        return told

    def may_be_kept(self) -> set[int]:
        """Which attempts may be what is kept: the last one confirmed, or an unclear one since."""
        confirmed = [one.serial for one in self.told if one.meaning == SAVED]
        last = confirmed[-1] if confirmed else 0
        unclear = {one.serial for one in self.told if one.meaning == UNCLEAR}
        return {last} | {serial for serial in unclear if serial > last}


@dataclass(kw_only=True)
class Crowd:
    """The members of one round, all answering at once.

    Every second one gives up when told to `tire`: what was said to them last must stay true, and
    is not covered by a later answer.
    """

    slack: FakeSlack
    members: list[Member]
    _tired: asyncio.Event = field(default_factory=asyncio.Event)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer_until_stopped(self, pause: float = 0.05) -> None:
        ends = itertools.cycle((self._stopping, self._tired))
        await asyncio.gather(
            *(self._keep_answering(*one, pause) for one in zip(self.members, ends, strict=False))
        )

    def tire(self) -> None:
        self._tired.set()

    def stop(self) -> None:
        self._tired.set()
        self._stopping.set()

    async def _keep_answering(self, member: Member, end: asyncio.Event, pause: float) -> None:
        while not end.is_set():
            await member.answer(self.slack)
            await asyncio.sleep(pause)

    def everything_told(self) -> Iterator[Told]:
        for member in self.members:
            yield from member.told

    def counts(self) -> Counter[str]:
        return Counter(told.meaning for told in self.everything_told())

    def slowest(self) -> float:
        return max(told.seconds for told in self.everything_told())

    async def misled(self, db: Database) -> list[str]:
        """Who was told something that is not so; empty in a good world."""
        wrong = []
        async with db.reading() as reader:
            for member in self.members:
                ballot = await ballots.of_voter(
                    reader, KeyRing([KEY]), WORKSPACE, ROUND, member.user_id
                )
                kept = int(ballot.comment) if ballot else 0
                if kept not in member.may_be_kept():
                    wrong.append(f"{member.user_id}: kept {kept}, told {member.told[-5:]}")
        return wrong


def meaning_of(answer: Answer) -> str:
    """What the person sees: the form closes, or a sentence stands in it; or nothing came."""
    if not answer.is_ack:
        return SILENCE
    sentence = next(iter(answer.body.get("errors", {}).values()), "")
    return MEANINGS.get(sentence, sentence)


def submission(user_id: str, **typed: str) -> dict[str, Any]:
    """view_submission of the form of answers, as the fake Slack and Slack send it."""
    chosen = messages.block_id(ROUND, QUESTION)
    said = messages.block_id(ROUND, "comment")
    return {
        "type": "view_submission",
        "team": {"id": WORKSPACE, "domain": "northwind"},
        "user": {"id": user_id, "name": user_id, "team_id": WORKSPACE},
        "api_app_id": "A0IMBAL",
        "is_enterprise_install": False,
        "view": {
            "id": f"V{user_id}",
            "type": "modal",
            "callback_id": answer_form.FORM,
            "private_metadata": ROUND,
            "blocks": [{"type": "input", "block_id": name} for name in (chosen, said)],
            "state": {
                "values": {
                    chosen: {"level": {"selected_option": {"value": "4"}}},
                    said: {"comment": {"value": typed["comment"]}},
                }
            },
        },
    }
