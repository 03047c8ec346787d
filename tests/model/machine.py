"""Commands, answers, time and faults at random, beside a model of what they ought to do."""

from collections.abc import Callable
from datetime import time, timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.conftest import MONDAY
from tests.model import deeds, invariants
from tests.model.belief import KEYS, Belief, Phase, Round, Someone
from tests.model.calendar import DAY, there
from tests.model.deeds import Wish
from tests.model.evidence import Evidence, Said, look
from tests.model.world import World
from tests.vocabulary import ANA, BEN, GUEST, HANA, LAUNCH, MEMBERS, OWNER, PLATFORM

CHANNELS = (LAUNCH, PLATFORM)
#: Hours that pass in one step: from an hour to three weeks.
PASSING = (1, 3, 7, 16, 24, 25, 48, 72, 96, 168, 336, 504)

channels = st.sampled_from(CHANNELS)
levels = st.dictionaries(st.sampled_from(KEYS), st.integers(1, 5), min_size=1)
members = st.sampled_from(MEMBERS)


class Machine(RuleBasedStateMachine):
    """The whole bot, beside what it ought to do."""

    new_database: ClassVar[Callable[[], str]]
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.world = World(type(self).new_database())
        people = {
            user.id: Someone(
                zone=user.tz or "UTC",
                is_full=not (user.is_bot or user.is_restricted or user.team_id != "T0PLAY"),
                is_admin=user.is_admin,
                is_closed=user.deleted,
            )
            for user in self.world.slack.workspace.users.values()
        }
        there = self.world.slack.workspace.conversations
        inside = {channel: set(there[channel].members) for channel in CHANNELS}
        self.belief = Belief(now=MONDAY, people=people, inside=inside)
        self.seen: Evidence = look(self.world)
        self.comments: list[str] = []

    # ------------------------------------------------------------ phases

    @initialize(is_sprint=st.booleans(), days=st.integers(10, 30))
    def begin(self, is_sprint: bool, days: int) -> None:
        """Most stories need a phase."""
        self._start(ANA, LAUNCH, is_sprint, days, 1, time(10), True, None, False)

    @rule(
        user=st.sampled_from([ANA, BEN, GUEST]),
        channel=channels,
        is_sprint=st.booleans(),
        days=st.sampled_from([-1, 0, 1, 2, 5, 9, 14, 18, 21, 28, 35, 42, 43, 60, 84, 85]),
        weekday=st.integers(0, 4),
        at=st.sampled_from([time(8), time(10), time(13, 30), time(20)]),
        reminds=st.booleans(),
        co_lead=st.sampled_from([None, None, HANA, "U0DEV"]),
        twice=st.booleans(),
    )
    def start(self, user, channel, is_sprint, days, weekday, at, reminds, co_lead, twice) -> None:
        self._start(user, channel, is_sprint, days, weekday, at, reminds, co_lead, twice)

    def _start(self, user, channel, is_sprint, days, weekday, at, reminds, co_lead, twice) -> None:
        belief, who = self.belief, self.belief.people[user]
        inside = {one for one in belief.inside[channel] if belief.people[one].may_act}
        if co_lead not in inside - {user}:
            co_lead = None
        today = there(belief.now, who.zone).date()
        ends = today + days * DAY
        wish = Wish(
            channel=channel,
            is_sprint=is_sprint,
            ends=ends,
            weekday=weekday,
            at=at,
            reminds=reminds,
            co_lead=co_lead,
            items=1 if is_sprint else 0,
            twice=twice,
        )
        told, asked = self.world.do(deeds.start(self.world.house, user, wish))
        longest = 6 if is_sprint else 12
        leads = {user} | ({co_lead} if co_lead else set())
        may = (
            user in inside
            and belief.active(channel) is None
            and 0 < days <= 7 * longest
            and bool(inside - leads)
        )
        assert (told == "") == may, told
        if not may:
            return
        assert asked == (is_sprint and belief.needs_reason(channel, today, ends))
        belief.start(
            Phase(
                channel=channel,
                is_sprint=is_sprint,
                lead=user,
                zone=who.zone,
                starts=today,
                ends=ends,
                weekday=weekday,
                at=at,
                reminds=reminds,
                leads=leads,
                members=inside - leads,
                items=wish.items,
            )
        )
        self._note_phase()
        self._pass(timedelta(minutes=1))

    def _note_phase(self) -> None:
        """The new row belongs to the new phase."""
        known = {one.phase_id for one in self.belief.phases}
        fresh = [row for row in look(self.world).phases if row["phase_id"] not in known]
        assert len(fresh) == 1, "pressed twice, begun twice"
        self.belief.phases[-1].phase_id = fresh[0]["phase_id"]

    @rule(
        user=st.sampled_from([ANA, BEN, OWNER]),
        channel=channels,
        fate=st.sampled_from(["resumed", "dropped"]),
    )
    def end(self, user: str, channel: str, fate: str) -> None:
        phase = self._latest(channel)
        items = range(phase.items) if phase else ()
        told = self.world.do(deeds.end(self.world.house, user, channel, dict.fromkeys(items, fate)))
        may = phase is not None and not phase.is_wrapped_up and self._manages(user, phase)
        assert (told == "") == may, told
        if may and phase is not None:
            if phase.is_active:
                self.belief.end(phase)
            phase.is_wrapped_up = True

    def _latest(self, channel: str) -> Phase | None:
        return next((one for one in reversed(self.belief.phases) if one.channel == channel), None)

    def _manages(self, user: str, phase: Phase) -> bool:
        person = self.belief.people[user]
        return person.may_act and (person.is_admin or user in phase.present_leads)

    # ------------------------------------------------------------ answers

    def _round_id(self, one: Round) -> str:
        row = self.seen.rounds_of(one.phase.phase_id)[one.phase.rounds.index(one)]
        return str(row["round_id"])

    @precondition(lambda self: self.belief.rounds())
    @rule(data=st.data(), given_levels=levels, says=st.booleans(), times=st.integers(1, 2))
    def answer(self, data, given_levels: dict[str, int], says: bool, times: int) -> None:
        one = data.draw(st.sampled_from(self.belief.rounds()), label="round")
        user = data.draw(st.sampled_from(sorted(one.people)), label="who")
        self._answer(one, user, given_levels, says, times)

    @precondition(lambda self: self.belief.rounds())
    @rule(count=st.integers(2, 8), level=st.integers(1, 5), blank=st.sampled_from([None, *KEYS]))
    def many_answer(self, count: int, level: int, blank: str | None) -> None:
        """As many as it takes to be shown, or nearly."""
        one = self.belief.rounds()[-1]
        given = {key: level for key in KEYS if key != blank}
        for user in sorted(one.asked & one.members)[:count]:
            self._answer(one, user, given, False, 1)

    def _answer(self, one: Round, user: str, given: dict[str, int], says: bool, times: int) -> None:
        comment = f"remark {len(self.comments)} of mine" if says and user in one.members else ""
        house, round_id = self.world.house, self._round_id(one)
        told = self.world.do(deeds.answer(house, user, round_id, given, comment, times=times))
        self.world.settle()
        if told == "no message":
            assert user not in one.asked | one.reminded
            return
        may = user not in one.phase.left
        if told == "" and may:
            one.answers[user] = one.answers.get(user, {}) | given
            if comment:
                self.comments.append(comment)

    @precondition(lambda self: self.belief.rounds())
    @rule(data=st.data())
    def skip(self, data: Any) -> None:
        one = data.draw(st.sampled_from(self.belief.rounds()), label="round")
        user = data.draw(st.sampled_from(sorted(one.people)), label="who")
        if not self.world.do(deeds.skip(self.world.house, user, self._round_id(one))):
            return
        if user in one.phase.left:
            return
        (one.skipped if user in one.members else one.quiet_leads).add(user)

    # ------------------------------------------------------------ time

    @rule(count=st.sampled_from(PASSING))
    def time_passes(self, count: int) -> None:
        self._pass(timedelta(hours=count))

    def _pass(self, time: timedelta) -> None:
        until = self.world.now + time
        self.world.travel_to(until)
        self.belief.advance(until)

    # ------------------------------------------------------------ what must hold

    @invariant()
    def all_is_well(self) -> None:
        type(self).steps += 1
        self.world.settle()
        before = {one.ts for one in self.seen.said}
        seen = self.seen = look(self.world)
        fresh: list[Said] = [one for one in seen.said if one.ts not in before]
        now = self.world.now
        invariants.one_active_phase_a_channel(seen)
        invariants.everything_is_said_once(seen, now)
        invariants.in_order(seen)
        invariants.nobody_is_disturbed(fresh, seen, self.belief)
        invariants.rounds_keep_apart(seen)
        invariants.nothing_finer_than_promised(seen)
        invariants.ballots_go_with_their_round(seen)
        invariants.work_is_given_back(seen)
        invariants.only_what_runs_is_pinned(seen, self.world)
        invariants.the_agenda_is_clean(seen, now)
        invariants.phases_are_as_believed(seen, self.belief)
        assert self.world.slack.problems == []

    def teardown(self) -> None:
        self.world.close()
