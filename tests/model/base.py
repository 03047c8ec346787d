"""The state machine's base: the bot, the reference model, and their comparison after each step."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import ClassVar

from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.conftest import MONDAY
from tests.harness import LAUNCH, PLATFORM, WORKSPACE
from tests.model import invariants
from tests.model.downtime import adopt
from tests.model.evidence import Evidence, collect
from tests.model.facts import Phase, Round, Someone
from tests.model.reference_model import ReferenceModel
from tests.model.world import World

CHANNELS = (LAUNCH, PLATFORM)


class Base(RuleBasedStateMachine):
    """State and helpers shared by all rules."""

    new_database: ClassVar[Callable[[], str]]
    #: Totals over all examples.
    tally: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.world = World(type(self).new_database())
        workspace = self.world.slack.workspace
        people = {
            user.id: Someone(
                zone=user.tz or "UTC",
                is_full=not (user.is_bot or user.is_restricted or user.team_id != WORKSPACE),
                is_admin=user.is_admin,
                is_closed=user.deleted,
            )
            for user in workspace.users.values()
        }
        inside = {channel: set(workspace.conversations[channel].members) for channel in CHANNELS}
        self.reference_model = ReferenceModel(now=MONDAY, people=people, inside=inside)
        self.evidence: Evidence = collect(self.world)
        self.comments: dict[str, Round] = {}

    def latest(self, channel: str) -> Phase | None:
        """Return the channel's most recent phase."""
        return next(
            (one for one in reversed(self.reference_model.phases) if one.channel == channel), None
        )

    def manages(self, user: str, phase: Phase) -> bool:
        person = self.reference_model.people[user]
        return person.may_act and (person.is_admin or user in phase.present_leads)

    def round_id(self, one: Round) -> str:
        row = self.evidence.rounds_of(one.phase.phase_id)[one.phase.rounds.index(one)]
        return str(row["round_id"])

    def advance(self, time: timedelta) -> None:
        until = self.world.now + time
        self.world.travel_to(until)
        self.reference_model.advance(until)

    @invariant()
    def compare_with_model(self) -> None:
        self.tally["steps"] += 1
        self.world.settle()
        self.reference_model.advance(self.world.now)  # handles everything due at this moment
        before, evidence = {one.ts for one in self.evidence.bot_messages}, collect(self.world)
        adopt(self.reference_model, evidence.rounds_of, evidence.round_people)
        self.evidence = evidence
        fresh = [one for one in evidence.bot_messages if one.ts not in before]
        invariants.check(evidence, fresh, self.world, self.reference_model)
        invariants.check_answers_stay_private(self.world, self.comments)

    def teardown(self) -> None:
        rounds = self.reference_model.rounds(only_open=False)
        self.tally["phases"] += len(self.reference_model.phases)
        self.tally["rounds"] += len(rounds)
        self.tally["rounds shown"] += sum(bool(one.shown) and not one.is_open for one in rounds)
        made = [one for phase in self.reference_model.phases for one in phase.promises]
        self.tally["promises"] += len(made)
        self.tally["promises checked"] += sum(one.outcome is not None for one in made)
        self.tally["decisions"] += len(self.evidence.decisions)
        self.tally["messages"] += len(self.evidence.bot_messages)
        self.tally["weeks"] += (self.world.now - MONDAY).days // 7
        self.world.close()
