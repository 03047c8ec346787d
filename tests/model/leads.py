"""Rules: leads start, extend, poll, end and wrap up phases."""

from datetime import date, time, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from sqlalchemy import RowMapping

from tests.harness import ANA, BEN, DEV, GUEST, HANA, LAUNCH, OWNER
from tests.model import actions
from tests.model.actions import PhaseRequest
from tests.model.base import CHANNELS, Base
from tests.model.calendar import DAY, DECIDED_AT, decided_on, local, there
from tests.model.evidence import collect
from tests.model.facts import Decision, Phase, Promise, Round
from tests.model.promises import may_promise, may_reply, replaced_by

channels = st.sampled_from(CHANNELS)
managers = st.sampled_from([ANA, ANA, HANA, BEN, OWNER, GUEST])
#: Days until a phase ends, including invalid and too late ends.
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
#: A fault of Slack for the first calls of a command.
faults = st.none() | st.sampled_from(FAULTS)

phase_options = st.fixed_dictionaries(
    {
        "is_sprint": st.booleans(),
        "weekday": st.integers(0, 4),
        "at": st.sampled_from(TIMES),
        "reminds": st.booleans(),
        "co_lead": st.sampled_from([None, HANA, DEV]),
        "twice": st.booleans(),
        "stops_if": st.booleans(),
    }
)


class Leads(Base):
    @initialize(wish=phase_options, days=st.integers(10, 30))
    def begin(self, wish: dict, days: int) -> None:
        """Start with a phase, since most rules need one."""
        self._start(ANA, LAUNCH, wish, days)

    @rule(
        user=st.sampled_from([ANA, BEN, HANA, GUEST]),
        channel=channels,
        wish=phase_options,
        days=st.sampled_from(LENGTHS),
    )
    def start(self, user: str, channel: str, wish: dict, days: int) -> None:
        self._start(user, channel, wish, days)

    def _start(self, user: str, channel: str, options: dict, days: int) -> None:
        reference_model, lead = self.reference_model, self.reference_model.people[user]
        inside = {
            one for one in reference_model.inside[channel] if reference_model.people[one].may_act
        }
        today = there(reference_model.now, lead.zone).date()
        request = PhaseRequest(channel=channel, ends=today + days * DAY, **options)
        if request.co_lead not in inside - {user}:
            request = PhaseRequest(
                channel=channel, ends=request.ends, **{**options, "co_lead": None}
            )
        self.world.clear_faults()
        refusal, asked = self.world.do(actions.start(self.world.harness, user, request))
        leads = {one for one in (user, request.co_lead) if one}
        longest = 7 * (6 if request.is_sprint else 12)
        free = reference_model.active(channel) is None
        allowed = user in inside and free and 0 < days <= longest and bool(inside - leads)
        assert (refusal == "") == allowed, refusal
        if not allowed:
            return
        assert asked == (
            request.is_sprint and reference_model.needs_reason(channel, today, request.ends)
        )
        self._record_start(user, request, today, leads, inside - leads)

    def _record_start(
        self, user: str, request: PhaseRequest, today: date, leads: set[str], members: set[str]
    ) -> None:
        known = {one.phase_id for one in self.reference_model.phases}
        fresh = [row for row in collect(self.world).phases if row["phase_id"] not in known]
        assert len(fresh) == 1, "started not exactly once"
        zone, decide_at = self.reference_model.people[user].zone, None
        if request.stops_if:
            on = decided_on(
                *(today, request.ends, request.weekday, request.at), is_asked=len(members) >= 4
            )
            assert fresh[0]["stop_if_on"] == on
            decide_at = local(on, DECIDED_AT, zone)
        self.reference_model.start(
            Phase(
                phase_id=fresh[0]["phase_id"],
                decide_at=decide_at,
                channel=request.channel,
                is_sprint=request.is_sprint,
                lead=user,
                zone=zone,
                starts=today,
                ends=request.ends,
                weekday=request.weekday,
                at=request.at,
                reminds=request.reminds,
                leads=leads,
                members=members,
            )
        )
        self.advance(timedelta(minutes=1))  # events at the same instant have no defined order

    def _inject_fault(self, trouble: dict[str, Any] | None) -> None:
        self.world.clear_faults()
        if trouble is not None:
            self.world.slack.faults.fail_next("*", times=2, **trouble)

    def _check_outcome_is_reported(self, refusal: str, done: bool) -> None:
        """The command took effect, or the user was told that it did not."""
        self.world.clear_faults()
        assert done or refusal, "nothing was done, and nobody was told"

    @rule(
        user=managers,
        channel=channels,
        days=st.sampled_from([0, 1, 2, 5, 7, 15]),
        trouble=faults,
    )
    def extend(self, user: str, channel: str, days: int, trouble: dict[str, Any] | None) -> None:
        phase = self.latest(channel)
        until = (
            phase.ends if phase else there(self.reference_model.now, "UTC").date()
        ) + days * DAY
        self._inject_fault(trouble)
        refusal = self.world.do(actions.extend(self.world.harness, user, channel, until))
        allowed = (
            phase is not None
            and phase.is_active
            and self.manages(user, phase)
            and phase.ends == phase.first_ends
            and phase.ends < until <= phase.latest_extension
        )
        assert trouble or (refusal == "") == allowed, refusal
        done = allowed and phase is not None and self._row(phase)["ends_on"] == until
        self._check_outcome_is_reported(refusal, done)
        if done and phase is not None:
            phase.ends = until
            self.reference_model.plan(phase)

    @rule(user=managers, channel=channels, change=st.sampled_from(["back", "park"]))
    def change_item(self, user: str, channel: str, change: str) -> None:
        phase = self.latest(channel)
        self.world.clear_faults()
        until = there(self.reference_model.now, "UTC").date() + 100 * DAY
        refusal = self.world.do(
            actions.change_item(self.world.harness, user, channel, change, until)
        )
        allowed = (
            phase is not None
            and phase.is_active
            and phase.is_sprint
            and not phase.is_item_back
            and self.manages(user, phase)
        )
        assert (refusal == "") == allowed, refusal
        if phase is not None and allowed:
            phase.is_item_back = change == "back"

    @rule(user=managers, channel=channels)
    def poll(self, user: str, channel: str) -> None:
        phase = self.reference_model.active(channel)
        self.world.clear_faults()
        refusal = self.world.do(actions.poll(self.world.harness, user, channel))
        allowed = (
            phase is not None
            and (user in phase.present_leads or self.manages(user, phase))
            and self.reference_model.poll(phase)
        )
        has_asked = "people are asked" in refusal or refusal.endswith("to talk about together.")
        assert has_asked == allowed, refusal

    def _row(self, phase: Phase) -> RowMapping:
        return collect(self.world).phase(phase.phase_id)

    @rule(
        user=managers,
        channel=channels,
        outcome=st.sampled_from(["resumed", "dropped"]),
        trouble=faults,
    )
    def end(self, user: str, channel: str, outcome: str, trouble: dict[str, Any] | None) -> None:
        phase = self.latest(channel)
        self._inject_fault(trouble)
        waits = phase is not None and phase.is_sprint and not phase.is_item_back
        outcomes = {0: outcome} if waits else {}
        refusal = self.world.do(actions.end(self.world.harness, user, channel, outcomes))
        allowed = phase is not None and not phase.is_wrapped_up and self.manages(user, phase)
        assert trouble or (refusal == "") == allowed, refusal
        done = allowed and phase is not None and self._row(phase)["wrapped_up_at"] is not None
        self._check_outcome_is_reported(refusal, done)
        if done and phase is not None:
            self.reference_model.wrap_up(phase, user)

    @rule(user=st.sampled_from([ANA, ANA, HANA, DEV]), is_change=st.booleans())
    def reply(self, user: str, is_change: bool) -> None:
        """Reply to the newest results that have the button, as one promise a week."""
        self.world.clear_faults()
        round_id, refusal = self.world.do(
            actions.reply(self.world.harness, user, is_change=is_change)
        )
        if round_id is None:
            return
        one = self._round(round_id)
        allowed = (
            user in one.phase.present_leads
            and may_reply(one)
            and may_promise(one.phase, one, user, is_change=is_change)
        )
        assert (refusal == "") == allowed, refusal
        if allowed:
            self._record_promise(one.phase, one, user, is_change)

    @rule(
        user=st.sampled_from([ANA, ANA, HANA, OWNER]),
        choice=st.sampled_from(["continue", "adjust"]),
    )
    def decide(self, user: str, choice: str) -> None:
        """Press the newest button that asks for a decision; it may be out of date."""
        self.world.clear_faults()
        target, refusal = self.world.do(actions.decide(self.world.harness, user, choice))
        if target is None:
            return
        phase_id, decision_id = target.split(":")
        (phase,) = [one for one in self.reference_model.phases if one.phase_id == phase_id]
        if phase.decisions_uncertain:
            if choice == "adjust" and not refusal:
                self._record_promise(phase, None, user, is_change=True)
            return
        decision = self._open_decision(phase, decision_id)
        allowed = (
            decision is not None
            and self.manages(user, phase)
            and (choice == "continue" or may_promise(phase, None, user, is_change=True))
        )
        assert (refusal == "") == allowed, refusal
        if decision is not None and allowed:
            self.reference_model.decisions.decide(decision, user, choice)
            if choice == "adjust":
                self._record_promise(phase, None, user, is_change=True)

    def _open_decision(self, phase: Phase, decision_id: str) -> Decision | None:
        """Return the decision with this id, if it can be made."""
        rows = [one for one in self.evidence.decisions if one["decision_id"] == decision_id]
        is_open = phase.is_active and any(row["choice"] is None for row in rows)
        return phase.open_decision if is_open else None

    def _round(self, round_id: str) -> Round:
        rounds = self.reference_model.rounds(only_open=False)
        return next(one for one in rounds if self.round_id(one) == round_id)

    def _record_promise(self, phase: Phase, one: Round | None, by: str, is_change: bool) -> None:
        earlier = replaced_by(phase, one, is_change=is_change)
        if earlier is not None:
            earlier.one, earlier.is_change = one or earlier.one, is_change
            return
        known = {promise.promise_id for promise in phase.promises}
        rows = [
            row
            for row in collect(self.world).promises
            if row["phase_id"] == phase.phase_id and row["promise_id"] not in known
        ]
        assert len(rows) == 1
        phase.promises.append(
            Promise(
                promise_id=rows[0]["promise_id"],
                by=by,
                one=one,
                is_change=is_change,
                made_at=rows[0]["made_at"],
            )
        )
