"""Members who submit answers again and again, and record the response to each attempt."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.clock import monotonic
from bot.db.engine import Database
from bot.playground.fake_slack.app_responses import AppResponse
from bot.playground.server import FakeSlack
from bot.rounds import answer_form, ballots, messages
from bot.slack.deadline_app import OUTCOME_UNKNOWN_TEXT, STORAGE_FULL_TEXT, STORAGE_UNAVAILABLE_TEXT
from tests.harness import KEYS, WORKSPACE
from tests.rounds.round_rows import ROUND

QUESTION = "clarity"
#: The response to an attempt, as its member understands it.
SAVED, NOT_SAVED, UNCLEAR, NO_ANSWER = "saved", "not saved", "unclear", "silence"
MEANINGS = {
    "": SAVED,
    STORAGE_UNAVAILABLE_TEXT: NOT_SAVED,
    STORAGE_FULL_TEXT: NOT_SAVED,
    OUTCOME_UNKNOWN_TEXT: UNCLEAR,
}


@dataclass(kw_only=True)
class Attempt:
    """One submission: its number, the response, and how many seconds it took."""

    serial: int
    meaning: str
    seconds: float


@dataclass(kw_only=True)
class Member:
    """Someone who sends a new comment each time, so that it is clear which one was saved."""

    user_id: str
    attempts: list[Attempt] = field(default_factory=list)

    async def answer(self, slack: FakeSlack) -> Attempt:
        serial = len(self.attempts) + 1
        began = monotonic()
        answer = await slack.interact(submission(self.user_id, comment=str(serial)))
        attempt = Attempt(serial=serial, meaning=meaning_of(answer), seconds=monotonic() - began)
        self.attempts.append(attempt)
        return attempt

    def possible_serials(self) -> set[int]:
        """The attempts that may be saved: the last confirmed one, or any unclear one since."""
        confirmed = [one.serial for one in self.attempts if one.meaning == SAVED]
        last = confirmed[-1] if confirmed else 0
        unclear = {one.serial for one in self.attempts if one.meaning == UNCLEAR}
        return {last} | {serial for serial in unclear if serial > last}


@dataclass(kw_only=True)
class Crowd:
    """The members of one round, all answering at once.

    `stop_half` makes every second one stop: the last response to them must stay true, and no
    later answer hides it.
    """

    slack: FakeSlack
    members: list[Member]
    _half_stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _all_stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer_until_stopped(self, pause: float = 0.05) -> None:
        ends = itertools.cycle((self._all_stopped, self._half_stopped))
        await asyncio.gather(
            *(self._keep_answering(*one, pause) for one in zip(self.members, ends, strict=False))
        )

    def stop_half(self) -> None:
        self._half_stopped.set()

    def stop(self) -> None:
        self._half_stopped.set()
        self._all_stopped.set()

    async def _keep_answering(self, member: Member, end: asyncio.Event, pause: float) -> None:
        while not end.is_set():
            await member.answer(self.slack)
            await asyncio.sleep(pause)

    def all_attempts(self) -> Iterator[Attempt]:
        for member in self.members:
            yield from member.attempts

    def counts(self) -> Counter[str]:
        return Counter(attempt.meaning for attempt in self.all_attempts())

    def slowest(self) -> float:
        return max(attempt.seconds for attempt in self.all_attempts())

    async def misled(self, db: Database) -> list[str]:
        """The members whose saved answer contradicts the responses they got."""
        misled = []
        async with db.reading() as reader:
            for member in self.members:
                ballot = await ballots.of_voter(reader, KEYS, WORKSPACE, ROUND, member.user_id)
                kept = int(ballot.comment) if ballot else 0
                if kept not in member.possible_serials():
                    misled.append(
                        f"{member.user_id}: saved {kept}, responses {member.attempts[-5:]}"
                    )
        return misled


def meaning_of(answer: AppResponse) -> str:
    """Classify a response: the form closes, it shows a sentence, or nothing comes."""
    if not answer.is_ack:
        return NO_ANSWER
    sentence = next(iter(answer.body.get("errors", {}).values()), "")
    return MEANINGS.get(sentence, sentence)


def submission(user_id: str, **typed: str) -> dict[str, Any]:
    """A view_submission payload of the answer form, as Slack sends it."""
    chosen = messages.block_id(ROUND, QUESTION)
    comment = messages.block_id(ROUND, "comment")
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
            "blocks": [{"type": "input", "block_id": name} for name in (chosen, comment)],
            "state": {
                "values": {
                    chosen: {"level": {"selected_option": {"value": "4"}}},
                    comment: {"comment": {"value": typed["comment"]}},
                }
            },
        },
    }
