"""Which scenarios there are, on which engine and with how many processes."""

from collections.abc import Iterator
from dataclasses import replace

from tests.chaos import trouble
from tests.chaos.mutations import MUTATIONS
from tests.chaos.run import Scenario
from tests.chaos.steps import STEPS

#: Engine and processes.
SETUPS = (("sqlite", 1), ("postgresql", 1), ("postgresql", 3))
LATE = {"late": 0.3, "reset after": 0.1}
FAR_FAULTS = {
    "429": {"429": 0.4},
    "500 before and after": {"500 before": 0.15, "500 after": 0.15},
    "resets before and after": {"reset before": 0.15, "reset after": 0.15},
    "hangs, longer than we wait": {"hang": 0.08},
    "posts that appear late": LATE,
}


def deaths(processes: int, hits: int) -> Scenario:
    """Every step, hit so often: one after the other, while all goes on."""
    return Scenario(name="dies", processes=processes, steps=tuple(STEPS), hits=hits)


def faults(processes: int, *, quick: bool) -> Iterator[Scenario]:
    """Slack's own troubles, and a process that stands still."""
    chains, links = (4, 3) if quick else (12, 10)
    plain = Scenario(name="", processes=processes, chains=chains, links=links)
    for name, shares in FAR_FAULTS.items():
        yield replace(plain, name=f"Slack: {name}", faults=shares)
    strikes = 1 if quick else 5
    storm = trouble.storms(strikes, 0.5)
    yield replace(plain, name="Slack: storms of 429", trouble=storm)
    stop = trouble.frozen(2 if quick else 20, 1.2)
    yield replace(plain, name="stands still for longer than its lease", trouble=stop)
    if processes > 1:
        yield overtaken(processes, chains=4)


def overtaken(processes: int, *, chains: int, mutation: str = "") -> Scenario:
    """One that was taken for dead wakes up while its message is being sent by another."""
    return Scenario(
        name="overtaken while it stood still",
        processes=processes,
        chains=chains,
        links=2,
        faults={},
        call=30.0,
        mutation=mutation,
        trouble=trouble.overtaken(0.6),
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
        "no fence": overtaken(2, chains=4),
    }
    assert scenarios.keys() == MUTATIONS.keys()
    return {name: replace(scenarios[name], mutation=name) for name in MUTATIONS}
