"""Rules: answering, skipping, opting out, and writing from the announcement."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.harness import ANA, MEMBERS
from tests.model import actions
from tests.model.base import Base
from tests.model.facts import CHECK, KEYS, Round
from tests.model.leads import channels

check_levels = st.integers(0, 3)
levels = st.dictionaries(st.sampled_from(KEYS), st.integers(1, 5), min_size=1)
somebody = st.sampled_from((*MEMBERS, ANA))


class Answers(Base):
    @precondition(lambda self: self.reference_model.rounds())
    @rule(data=st.data(), given=levels, says=st.booleans(), times=st.integers(1, 2))
    def answer(self, data: Any, given: dict[str, int], says: bool, times: int) -> None:
        self._answer(*self._draw_round_and_person(data), given, says, times)

    @precondition(lambda self: self.reference_model.next_opening is not None)
    @rule(
        count=st.integers(3, 8),
        level=st.integers(1, 5),
        check=check_levels,
        wait=st.integers(15, 40),
    )
    def questions_come_and_go(self, count: int, level: int, check: int, wait: int) -> None:
        """Go on to the next round, let `count` people answer, and let it close."""
        opens = self.reference_model.next_opening
        assert opens is not None
        self.advance(max(opens - self.reference_model.now, timedelta(0)) + timedelta(hours=wait))
        self.compare_with_model()
        if self.reference_model.rounds():
            self._many_answer(count, dict.fromkeys(KEYS, level), check)
            self.compare_with_model()
            self.advance(self.reference_model.rounds()[-1].closes_at - self.reference_model.now)

    @precondition(lambda self: self.reference_model.rounds())
    @rule(count=st.integers(2, 8), level=st.integers(1, 5), blank=st.sampled_from([None, *KEYS]))
    def many_answer(self, count: int, level: int, blank: str | None) -> None:
        """Enough answers to reach the minimum, or nearly."""
        self._many_answer(count, {key: level for key in KEYS if key != blank})

    @precondition(lambda self: self.reference_model.rounds())
    @rule(data=st.data(), level=check_levels, times=st.integers(1, 2))
    def answer_check(self, data: Any, level: int, times: int) -> None:
        one, user = self._draw_round_and_person(data)
        if one.check is not None and user in one.members:
            self._answer(one, user, {CHECK: level}, False, times)

    def _many_answer(self, count: int, given: dict[str, int], check: int | None = None) -> None:
        one = self.reference_model.rounds()[-1]
        if one.check is not None and check is not None:
            given = given | {CHECK: check}
        for user in sorted(one.reached)[:count]:
            self._answer(one, user, given, False, 1)

    @precondition(lambda self: self.reference_model.rounds())
    @rule(data=st.data(), given=levels)
    def answer_in_home(self, data: Any, given: dict[str, int]) -> None:
        one, user = self._draw_round_and_person(data)
        self.world.clear_faults()
        harness, round_id = self.world.harness, self.round_id(one)
        tapped = self.world.do(actions.answer_in_home(harness, user, round_id, given))
        assert not tapped or one in self.reference_model.open_for(user)
        if tapped:
            self._record_answer(one, user, tapped, "")

    @precondition(lambda self: self.reference_model.rounds())
    @rule(data=st.data())
    def skip(self, data: Any) -> None:
        one, user = self._draw_round_and_person(data)
        pressed = self.world.do(actions.skip(self.world.harness, user, self.round_id(one)))
        if pressed and user not in one.phase.left and user in one.members:
            one.skipped.add(user)

    @rule(user=somebody, channel=channels, out=st.booleans())
    def opt(self, user: str, channel: str, out: bool) -> None:
        self.world.clear_faults()
        if self.world.do(actions.opt(self.world.harness, user, channel, out=out)):
            opted_out = self.reference_model.opted_out.setdefault(channel, set())
            (opted_out.add if out else opted_out.discard)(user)

    @rule(user=somebody, channel=channels, button=st.sampled_from(["my_part", "concern"]))
    def say(self, user: str, channel: str, button: str) -> None:
        self.world.do(
            actions.say(self.world.harness, user, channel, button, "The importer is late.")
        )

    def _draw_round_and_person(self, data: Any) -> tuple[Round, str]:
        one = data.draw(st.sampled_from(self.reference_model.rounds()), label="round")
        user = data.draw(st.sampled_from(sorted(one.people)), label="who")
        return one, user

    def _answer(self, one: Round, user: str, given: dict[str, int], says: bool, times: int) -> None:
        comment = self._comment(one, user, says)
        harness, round_id = self.world.harness, self.round_id(one)
        refusal = self.world.do(
            actions.answer(harness, user, round_id, given, comment, times=times)
        )
        self.world.settle()
        if refusal == "no message":
            assert user in one.uncertain or user not in {*one.asked, *one.reminded}
        elif user in one.phase.left:
            assert refusal != "" or times  # refused with an ephemeral message, or no form
        elif refusal == "":
            self._record_answer(one, user, given, comment)

    def _record_answer(self, one: Round, user: str, given: dict[str, int], comment: str) -> None:
        levels = {key: level for key, level in given.items() if key != CHECK}
        if levels:
            one.answers[user] = one.answers.get(user, {}) | levels
        if CHECK in given:
            one.check_answers[user] = given[CHECK]
        if comment:
            self.comments[comment] = one

    def _comment(self, one: Round, user: str, says: bool) -> str:
        return f"remark {len(self.comments)} of mine" if says and user in one.members else ""
