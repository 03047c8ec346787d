"""What leads do: start, extend, ask now, end and wrap up."""

from datetime import date, time, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from sqlalchemy import RowMapping

from tests.harness import ANA, BEN, DEV, GUEST, HANA, LAUNCH, OWNER
from tests.model import actions
from tests.model.actions import Wish
from tests.model.base import CHANNELS, Base
from tests.model.calendar import DAY, there
from tests.model.evidence import look
from tests.model.facts import Phase

channels = st.sampled_from(CHANNELS)
managers = st.sampled_from([ANA, ANA, HANA, BEN, OWNER, GUEST])
#: How many days ahead a phase ends: some are no end, or too late a one.
LENGTHS = (-1, 0, 1, 2, 4, 5, 8, 9, 11, 14, 18, 21, 23, 28, 35, 42, 43, 60, 84, 85)
TIMES = (time(8), time(10), time(13, 30), time(20))

FAULTS: tuple[dict[str, Any], ...] = (
    {"status": 429, "retry_after": 0.05},
    {"status": 500},
    {"status": 503, "after_accept": True},
    {"drop": True},
    {"drop": True, "after_accept": True},
    {"hang": 0.2},
)
#: What Slack does to the first calls that a command asks of it.
troubles = st.none() | st.sampled_from(FAULTS)

wishes = st.fixed_dictionaries(
    {
        "is_sprint": st.booleans(),
        "weekday": st.integers(0, 4),
        "at": st.sampled_from(TIMES),
        "reminds": st.booleans(),
        "co_lead": st.sampled_from([None, HANA, DEV]),
        "twice": st.booleans(),
    }
)


class Leads(Base):
    @initialize(wish=wishes, days=st.integers(10, 30))
    def begin(self, wish: dict, days: int) -> None:
        """Most stories need a phase."""
        self._start(ANA, LAUNCH, wish, days)

    @rule(
        user=st.sampled_from([ANA, BEN, HANA, GUEST]),
        channel=channels,
        wish=wishes,
        days=st.sampled_from(LENGTHS),
    )
    def start(self, user: str, channel: str, wish: dict, days: int) -> None:
        self._start(user, channel, wish, days)

    def _start(self, user: str, channel: str, said: dict, days: int) -> None:
        reference_model, who = self.reference_model, self.reference_model.people[user]
        inside = {
            one for one in reference_model.inside[channel] if reference_model.people[one].may_act
        }
        today = there(reference_model.now, who.zone).date()
        wish = Wish(channel=channel, ends=today + days * DAY, **said)
        if wish.co_lead not in inside - {user}:
            wish = Wish(channel=channel, ends=wish.ends, **{**said, "co_lead": None})
        self.world.calm()
        told, asked = self.world.do(actions.start(self.world.harness, user, wish))
        leads = {one for one in (user, wish.co_lead) if one}
        longest = 7 * (6 if wish.is_sprint else 12)
        free = reference_model.active(channel) is None
        may = user in inside and free and 0 < days <= longest and bool(inside - leads)
        assert (told == "") == may, told
        if not may:
            return
        assert asked == (wish.is_sprint and reference_model.needs_reason(channel, today, wish.ends))
        self._begun(user, wish, today, leads, inside - leads)

    def _begun(
        self, user: str, wish: Wish, today: date, leads: set[str], members: set[str]
    ) -> None:
        known = {one.phase_id for one in self.reference_model.phases}
        fresh = [row for row in look(self.world).phases if row["phase_id"] not in known]
        assert len(fresh) == 1, "announced twice, begun twice"
        self.reference_model.start(
            Phase(
                phase_id=fresh[0]["phase_id"],
                channel=wish.channel,
                is_sprint=wish.is_sprint,
                lead=user,
                zone=self.reference_model.people[user].zone,
                starts=today,
                ends=wish.ends,
                weekday=wish.weekday,
                at=wish.at,
                reminds=wish.reminds,
                leads=leads,
                members=members,
            )
        )
        self.passes(timedelta(minutes=1))  # two at the same instant have no order

    def _meets(self, trouble: dict[str, Any] | None) -> None:
        self.world.calm()
        if trouble is not None:
            self.world.slack.faults.fail_next("*", times=2, **trouble)

    def _told(self, told: str, done: bool) -> None:
        """What was asked was done, or it is said that it was not."""
        self.world.calm()
        assert done or told, "nothing was done, and nobody was told"

    @rule(
        user=managers,
        channel=channels,
        days=st.sampled_from([0, 1, 2, 5, 7, 15]),
        trouble=troubles,
    )
    def extend(self, user: str, channel: str, days: int, trouble: dict[str, Any] | None) -> None:
        phase = self.latest(channel)
        until = (
            phase.ends if phase else there(self.reference_model.now, "UTC").date()
        ) + days * DAY
        self._meets(trouble)
        told = self.world.do(actions.extend(self.world.harness, user, channel, until))
        may = (
            phase is not None
            and phase.is_active
            and self.manages(user, phase)
            and phase.ends == phase.first_ends
            and phase.ends < until <= phase.latest_extension
        )
        assert trouble or (told == "") == may, told
        done = may and phase is not None and self._row(phase)["ends_on"] == until
        self._told(told, done)
        if done and phase is not None:
            phase.ends = until
            self.reference_model.plan(phase)

    @rule(user=managers, channel=channels)
    def poll(self, user: str, channel: str) -> None:
        phase = self.reference_model.active(channel)
        self.world.calm()
        told = self.world.do(actions.poll(self.world.harness, user, channel))
        may = (
            phase is not None
            and (user in phase.present_leads or self.manages(user, phase))
            and self.reference_model.poll(phase)
        )
        assert (not told.startswith("No questions were sent")) == may, told

    def _row(self, phase: Phase) -> RowMapping:
        return look(self.world).phase(phase.phase_id)

    @rule(
        user=managers,
        channel=channels,
        outcome=st.sampled_from(["resumed", "dropped"]),
        trouble=troubles,
    )
    def end(self, user: str, channel: str, outcome: str, trouble: dict[str, Any] | None) -> None:
        phase = self.latest(channel)
        self._meets(trouble)
        outcomes = {0: outcome} if phase and phase.is_sprint else {}
        told = self.world.do(actions.end(self.world.harness, user, channel, outcomes))
        may = phase is not None and not phase.is_wrapped_up and self.manages(user, phase)
        assert trouble or (told == "") == may, told
        done = may and phase is not None and self._row(phase)["wrapped_up_at"] is not None
        self._told(told, done)
        if done and phase is not None:
            self.reference_model.wrap_up(phase)
