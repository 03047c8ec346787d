"""The limits of phases as a workspace sets them, and the budget at both sides of its share."""

from datetime import date, timedelta

import pytest

from bot.phases.budget import SHARE, Span, compute_budget
from bot.phases.rules import PhaseKind, PhaseLimits, latest_end
from bot.workspaces.rules import WorkspaceSettings

TODAY = date(2026, 11, 23)


def is_over(days: int, settings: WorkspaceSettings) -> bool:
    """Return whether a proposed sprint of so many days is over the workspace's budget."""
    proposed = Span(starts_on=TODAY, ends_on=TODAY + timedelta(days=days - 1))
    return compute_budget((), TODAY, proposed, PhaseLimits.of(settings).budget_share).is_over


def test_the_default_settings_are_the_default_limits() -> None:
    assert PhaseLimits.of(WorkspaceSettings()) == PhaseLimits()


@pytest.mark.parametrize(
    ("percent", "allowed"),
    [(33, 30), (32, 28), (34, 30), (35, 31), (50, 45), (5, 4), (100, 90)],
)
def test_of_ninety_days_so_many_need_no_justification(percent: int, allowed: int) -> None:
    """Thirty-three per cent is a third: thirty days, though 30/90 is a little more."""
    settings = WorkspaceSettings(budget_percent=percent)

    assert not is_over(allowed, settings)
    if allowed < 90:
        assert is_over(allowed + 1, settings)


def test_a_third_is_written_as_thirty_three_per_cent_only() -> None:
    shares = {
        percent: PhaseLimits.of(WorkspaceSettings(budget_percent=percent)).budget_share
        for percent in range(5, 101)
    }

    assert [percent for percent in shares if shares[percent] == SHARE] == [33]
    assert all(shares[percent] == percent / 100 for percent in shares if percent != 33)


def test_every_limit_is_its_own_setting() -> None:
    limits = PhaseLimits.of(
        WorkspaceSettings(
            sprint_warn_weeks=2, sprint_max_weeks=3, trust_max_weeks=9, starters=("U0ANA",)
        )
    )

    assert (limits.sprint_warn_weeks, limits.starters) == (2, ("U0ANA",))
    assert latest_end(PhaseKind.RESULTS_SPRINT, TODAY, limits) == TODAY + timedelta(weeks=3)
    assert latest_end(PhaseKind.TRUST_BUILDING, TODAY, limits) == TODAY + timedelta(weeks=9)
