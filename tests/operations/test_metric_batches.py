"""No number grows by one when a person answers: whoever reads it would know when they did."""

import pytest
from prometheus_client import REGISTRY

from bot import metrics
from bot.metrics import BATCH_SIZE
from tests.harness import MEMBERS, BotHarness
from tests.scenarios.test_results import TUESDAY_EVENING, answer, start_phase

#: Change while nothing happens, too, or with everybody's messages.
OF_THE_PROCESS = ("python_", "process_")


def numbers() -> dict[tuple[str, ...], float]:
    """Return every sample, without the times at which the series were made."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if not sample.name.startswith(OF_THE_PROCESS) and not sample.name.endswith("_created")
    }


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_one_answer_changes_no_number(harness: BotHarness) -> None:
    metrics._unpublished.clear()
    await start_phase(harness)
    await harness.travel_to(TUESDAY_EVENING)
    metrics._unpublished.clear()
    before = numbers()

    await answer(harness, 1, clarity=2, trust=4, ego=5)

    assert numbers() == before

    for _ in range(BATCH_SIZE):
        await harness.slack.as_user(MEMBERS[0]).command("/imbalance help", "C0LAUNCH")
    counted = ("imbalance_request_seconds_count", "person")
    assert numbers()[counted] == before.get(counted, 0) + BATCH_SIZE
