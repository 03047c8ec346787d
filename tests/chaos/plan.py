"""The scenarios for each engine and number of processes."""

from collections.abc import Iterator
from dataclasses import replace

from tests.chaos import disruptions
from tests.chaos.mutations import MUTATIONS
from tests.chaos.run import Scenario
from tests.chaos.steps import STEPS
from tests.stub_slack.faults import USUAL_SHARES

#: Engine and processes.
SETUPS = ("sqlite 1", "postgresql 1", "postgresql 3")
LATE_FAULTS = {"late": 0.3, "reset after": 0.1}
SLACK_FAULTS = {
    "429": {"429": 0.4},
    "500 before and after": {"500 before": 0.15, "500 after": 0.15},
    "a proxy's page before and after": {"page before": 0.15, "page after": 0.15},
    "resets before and after": {"reset before": 0.15, "reset after": 0.15},
    "hangs longer than the timeout": {"hang before": 0.04, "hang after": 0.04},
    "posts that appear late": LATE_FAULTS,
}
HITS, HITS_QUICK = 20, 1
#: A scenario that takes longer counts as stuck.
MAX_SECONDS_QUICK = 200.0


def scenarios(engine: str, processes: int, *, quick: bool) -> Iterator[Scenario]:
    """All scenarios that do not stop or lock the database."""
    kill_scenario = kills(processes, HITS_QUICK if quick else HITS)
    # New work starts only when nearly all is sent, which takes long on a slow machine.
    scenarios_of_setup = [replace(kill_scenario, links=4) if quick else kill_scenario]
    scenarios_of_setup += (
        [everything_at_once(processes), storms(processes, 1)] if quick else faults(processes)
    )
    if processes > 1:
        scenarios_of_setup.append(overtake_frozen_sender(processes, 1 if quick else 10))
    if not quick:
        scenarios_of_setup.append(production(processes))
    for one in scenarios_of_setup:
        yield replace(one, max_seconds=MAX_SECONDS_QUICK) if quick else one


def kills(processes: int, hits: int) -> Scenario:
    """Processes are killed at every step, this many times each, while the others go on."""
    return Scenario(name="killed at every step", processes=processes, steps=tuple(STEPS), hits=hits)


def everything_at_once(processes: int) -> Scenario:
    """All faults of Slack together, while a process is frozen."""
    return Scenario(
        name="Slack: all faults, one process is frozen",
        processes=processes,
        chains=12,
        links=2,
        faults={name: 2 * share for name, share in USUAL_SHARES.items()},
        disruption=disruptions.freeze(1, 1.2),
    )


def storms(processes: int, times: int) -> Scenario:
    """Slack answers 429 for a while, and no call may come before Retry-After."""
    return Scenario(
        name="Slack: storms of 429",
        processes=processes,
        chains=12,
        faults={},
        disruption=disruptions.rate_limit_storms(times, 2.5),
    )


def faults(processes: int) -> Iterator[Scenario]:
    """Each fault of Slack by itself, and a frozen process."""
    plain = Scenario(name="", processes=processes, chains=12, links=12)
    for name, shares in SLACK_FAULTS.items():
        yield replace(plain, name=f"Slack: {name}", faults=shares)
    yield storms(processes, 5)
    freezing = disruptions.freeze(20, 1.2)
    yield replace(plain, name="frozen for longer than its lease", disruption=freezing)


def production(processes: int) -> Scenario:
    """The timings of production: a lease of 15 s, calls of 20 s, and Slack hanging for 30."""
    return Scenario(
        name="timings of production, Slack hangs for 30 s",
        processes=processes,
        steps=("a call about to be made",),
        hits=3,
        chains=3,
        links=2,
        faults={"hang before": 0.1, "hang after": 0.1},
        hang_seconds=30.0,
        call_seconds=20.0,
        settle_seconds=30.0,
        lease_seconds=15.0,
        begin_within_seconds=5.0,
        max_seconds=600.0,
    )


def overtake_frozen_sender(processes: int, times: int, seconds: float = 0.6) -> Scenario:
    """A frozen sender wakes up while another process sends its message.

    It has some seconds to record its outcome before the other process does.

    It is frozen for longer than a lookup takes. So it must have no other call that is under way
    and has not reached Slack: that is the one moment that the guarantee leaves open.
    """
    return Scenario(
        name="overtaken while frozen",
        processes=processes,
        chains=1,
        backlog=0,
        faults={},
        call_seconds=30.0,
        disruption=disruptions.overtake(times, seconds),
    )


def mutation_scenarios() -> dict[str, Scenario]:
    """The scenario that reveals each mutation."""
    lost_answers = {"reset after": 0.25, "500 after": 0.1}
    kill_scenario = Scenario(
        name="killed: a call carried out by Slack, not answered",
        steps=("a call carried out by Slack, not answered",),
        hits=3,
        faults=lost_answers,
    )
    server_errors = Scenario(name="Slack: many errors 500", faults={"500 before": 0.3})
    scenarios = {
        "no proof before sending again": kill_scenario,
        "sent marked before the call": server_errors,
        "slack_sdk's own retries": Scenario(name="Slack: resets after", faults=lost_answers),
        "no fence": overtake_frozen_sender(2, 2, 2.0),
        "no order in a conversation": server_errors,
        "Retry-After not heeded": storms(1, 1),
    }
    assert scenarios.keys() == MUTATIONS.keys()
    return {name: replace(scenarios[name], mutation=name) for name in MUTATIONS}
