"""What people say to the questions, and about being asked."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.harness import ANA, MEMBERS
from tests.model import actions
from tests.model.base import Base
from tests.model.facts import KEYS, Round
from tests.model.leads import channels

levels = st.dictionaries(st.sampled_from(KEYS), st.integers(1, 5), min_size=1)
somebody = st.sampled_from((*MEMBERS, ANA))


class Answers(Base):
    @precondition(lambda self: self.reference_model.rounds())
    @rule(data=st.data(), given=levels, says=st.booleans(), times=st.integers(1, 2))
    def answer(self, data: Any, given: dict[str, int], says: bool, times: int) -> None:
        self._answer(*self._whose(data), given, says, times)

    @precondition(lambda self: self.reference_model.next_opening is not None)
    @rule(count=st.integers(3, 8), level=st.integers(1, 5), wait=st.integers(15, 40))
    def questions_come_and_go(self, count: int, level: int, wait: int) -> None:
        """On to the next questions; so many answer, and they are closed."""
        opens = self.reference_model.next_opening
        assert opens is not None
        self.passes(max(opens - self.reference_model.now, timedelta(0)) + timedelta(hours=wait))
        self.all_is_well()
        if self.reference_model.rounds():
            self._many_answer(count, dict.fromkeys(KEYS, level))
            self.all_is_well()
            self.passes(self.reference_model.rounds()[-1].closes_at - self.reference_model.now)

    @precondition(lambda self: self.reference_model.rounds())
    @rule(count=st.integers(2, 8), level=st.integers(1, 5), blank=st.sampled_from([None, *KEYS]))
    def many_answer(self, count: int, level: int, blank: str | None) -> None:
        """As many as it takes to be shown, or nearly."""
        self._many_answer(count, {key: level for key in KEYS if key != blank})

    def _many_answer(self, count: int, given: dict[str, int]) -> None:
        one = self.reference_model.rounds()[-1]
        for user in sorted(one.reached)[:count]:
            self._answer(one, user, given, False, 1)

    @precondition(lambda self: self.reference_model.rounds())
    @rule(data=st.data(), given=levels, says=st.booleans())
    def answer_in_home(self, data: Any, given: dict[str, int], says: bool) -> None:
        one, user = self._whose(data)
        comment = self._comment(one, user, says)
        self.world.calm()
        harness, round_id = self.world.harness, self.round_id(one)
        done = self.world.do(actions.answer_in_home(harness, user, round_id, given, comment))
        assert not done or one in self.reference_model.open_for(user)
        if done:
            self._said(one, user, given, comment)

    @precondition(lambda self: self.reference_model.rounds())
    @rule(data=st.data())
    def skip(self, data: Any) -> None:
        one, user = self._whose(data)
        pressed = self.world.do(actions.skip(self.world.harness, user, self.round_id(one)))
        if pressed and user not in one.phase.left:
            (one.skipped if user in one.members else one.quiet_leads).add(user)

    @rule(user=somebody, channel=channels, out=st.booleans())
    def opt(self, user: str, channel: str, out: bool) -> None:
        self.world.calm()
        if self.world.do(actions.opt(self.world.harness, user, channel, out=out)):
            quiet = self.reference_model.quiet.setdefault(channel, set())
            (quiet.add if out else quiet.discard)(user)

    @rule(user=somebody, channel=channels, button=st.sampled_from(["my_part", "concern"]))
    def say(self, user: str, channel: str, button: str) -> None:
        self.world.do(
            actions.say(self.world.harness, user, channel, button, "The importer is late.")
        )

    def _whose(self, data: Any) -> tuple[Round, str]:
        one = data.draw(st.sampled_from(self.reference_model.rounds()), label="round")
        user = data.draw(st.sampled_from(sorted(one.people)), label="who")
        return one, user

    def _answer(self, one: Round, user: str, given: dict[str, int], says: bool, times: int) -> None:
        comment = self._comment(one, user, says)
        harness, round_id = self.world.harness, self.round_id(one)
        told = self.world.do(actions.answer(harness, user, round_id, given, comment, times=times))
        self.world.settle()
        if told == "no message":
            assert user in one.unsure or user not in {*one.asked, *one.reminded}
        elif user in one.phase.left:
            assert told != "" or times  # refused beside the button, or without a form
        elif told == "":
            self._said(one, user, given, comment)

    def _said(self, one: Round, user: str, given: dict[str, int], comment: str) -> None:
        one.answers[user] = one.answers.get(user, {}) | given
        if comment:
            self.comments[comment] = one

    def _comment(self, one: Round, user: str, says: bool) -> str:
        return f"remark {len(self.comments)} of mine" if says and user in one.members else ""
