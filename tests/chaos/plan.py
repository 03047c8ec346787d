"""Which scenarios there are, on which engine and with how many processes."""

from collections.abc import Iterator
from dataclasses import replace

from tests.chaos import disruptions
from tests.chaos.faults import USUAL
from tests.chaos.mutations import MUTATIONS
from tests.chaos.run import Scenario
from tests.chaos.steps import STEPS

#: Engine and processes.
SETUPS = ("sqlite 1", "postgresql 1", "postgresql 3")
LATE = {"late": 0.3, "reset after": 0.1}
FAR_FAULTS = {
    "429": {"429": 0.4},
    "500 before and after": {"500 before": 0.15, "500 after": 0.15},
    "a proxy's page before and after": {"page before": 0.15, "page after": 0.15},
    "resets before and after": {"reset before": 0.15, "reset after": 0.15},
    "hangs, longer than we wait": {"hang before": 0.04, "hang after": 0.04},
    "posts that appear late": LATE,
}
HITS, HITS_QUICK = 20, 2
#: After so many seconds a scenario counts as stuck.
LONGEST_QUICK = 200.0


def scenarios(engine: str, processes: int, *, quick: bool) -> Iterator[Scenario]:
    """All that does not need to touch the database's server."""
    dying = deaths(processes, HITS_QUICK if quick else HITS)
    # What is due is claimed again once nearly all of it is said: a slow machine needs long for it.
    tried = [replace(dying, links=4) if quick else dying]
    tried += [everything_at_once(processes), storms(processes, 1)] if quick else faults(processes)
    if processes > 1:
        tried.append(overtaken(processes, 1 if quick else 10))
    if not quick:
        tried.append(production(processes))
    for one in tried:
        yield replace(one, longest=LONGEST_QUICK) if quick else one


def deaths(processes: int, hits: int) -> Scenario:
    """Every step, hit so often: one after the other, while all goes on."""
    return Scenario(name="dies", processes=processes, steps=tuple(STEPS), hits=hits)


def everything_at_once(processes: int) -> Scenario:
    """Slack's troubles together, while a process stands still."""
    return Scenario(
        name="Slack fails in every way, and one stands still",
        processes=processes,
        chains=12,
        links=2,
        faults={name: 2 * share for name, share in USUAL.items()},
        trouble=disruptions.frozen(1, 1.2),
    )


def storms(processes: int, times: int) -> Scenario:
    """Slack asks for silence, method by method, and is to be left in peace."""
    return Scenario(
        name="Slack: storms of 429",
        processes=processes,
        chains=12,
        faults={},
        trouble=disruptions.storms(times, 2.5),
    )


def faults(processes: int) -> Iterator[Scenario]:
    """Slack's troubles one by one, and a process that stands still."""
    plain = Scenario(name="", processes=processes, chains=12, links=12)
    for name, shares in FAR_FAULTS.items():
        yield replace(plain, name=f"Slack: {name}", faults=shares)
    yield storms(processes, 5)
    stop = disruptions.frozen(20, 1.2)
    yield replace(plain, name="stands still for longer than its lease", trouble=stop)


def production(processes: int) -> Scenario:
    """With the times of production: a lease of 15 s, calls of 20 s, and Slack hanging for 30."""
    return Scenario(
        name="the times of production, Slack hangs for 30 s",
        processes=processes,
        steps=("a call about to be made",),
        hits=3,
        chains=3,
        links=2,
        faults={"hang before": 0.1, "hang after": 0.1},
        hang=30.0,
        call=20.0,
        settle=30.0,
        lease=15.0,
        begin_within=5.0,
        longest=600.0,
    )


def overtaken(processes: int, times: int, seconds: float = 0.6) -> Scenario:
    """One that was taken for dead wakes up while its message is being sent by another.

    It has so many seconds to say what it heard, before the other one does.

    It stands still for longer than it takes to look for a message. So it must not have another
    call on its way, not with Slack yet: that is the one moment that the guarantee leaves open.
    """
    return Scenario(
        name="overtaken while it stood still",
        processes=processes,
        chains=1,
        backlog=0,
        faults={},
        call=30.0,
        trouble=disruptions.overtaken(times, seconds),
    )


def mutated() -> dict[str, Scenario]:
    """For each mutation the scenario in which its absence shows."""
    lossy = {"reset after": 0.25, "500 after": 0.1}
    dying = Scenario(
        name="dies: a call carried out by Slack, not answered",
        steps=("a call carried out by Slack, not answered",),
        hits=3,
        faults=lossy,
    )
    failing = Scenario(name="Slack: refuses much", faults={"500 before": 0.3})
    scenarios = {
        "no proof before sending again": dying,
        "sent marked before the call": failing,
        "slack_sdk's own retries": Scenario(name="Slack: resets after", faults=lossy),
        "no fence": overtaken(2, 2, 2.0),
        "no order in a conversation": failing,
        "Retry-After not heeded": storms(1, 1),
    }
    assert scenarios.keys() == MUTATIONS.keys()
    return {name: replace(scenarios[name], mutation=name) for name in MUTATIONS}
