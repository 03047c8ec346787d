"""Initial content of the start form: typed arguments, an unfinished draft or a previous phase."""

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest

from bot.phases.rules import PhaseKind
from bot.services import Services
from bot.slack.errors import Refused
from bot.slack.request import Request
from bot.start import draft_store, prefill
from bot.start.command_args import Arguments
from bot.start.draft import Draft, Row
from bot.start.draft_store import StoredDraft
from bot.start.eligibility import EligibleLead, eligible_lead
from bot.workspaces.rules import WorkspaceSettings
from tests.harness import ANA, BEN, CHIARA, LAUNCH, MEMBERS, WORKSPACE
from tests.rounds.round_rows import NOW, a_workspace
from tests.start.proposals import SPRINT, begin

TODAY = date(2026, 11, 23)
NO_ARGUMENTS = Arguments()
UNFINISHED = Draft(
    kind=PhaseKind.TRUST_BUILDING,
    ends_on=date(2026, 12, 1),
    texts={"milestone": "Left", "purpose": "Why"},
    members=(BEN,),
    weekday=4,
    doubt_shown=True,
    starts_anyway=True,
)


async def eligible_ana(services: Services) -> EligibleLead:
    request = Request(workspace_id=WORKSPACE, channel_id=LAUNCH, user_id=ANA)
    return await eligible_lead(services, request)


async def prefilled_draft(
    services: Services, arguments: Arguments = NO_ARGUMENTS, continues: str | None = None
) -> tuple[StoredDraft, bool]:
    lead = await eligible_ana(services)
    async with services.db.transaction() as tx:
        return await prefill.new_or_resumed_draft(tx, lead, arguments, continues)


async def save_unfinished(services: Services, draft: Draft = UNFINISHED) -> None:
    stored = StoredDraft(
        draft_id="unfinished", channel_id=LAUNCH, user_id=ANA, draft=draft, phase_id=None
    )
    async with services.db.transaction() as tx:
        await draft_store.save(tx, WORKSPACE, stored, NOW)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("until 2026-11-23", "isn't after today"),
        ("results until 2027-01-05", "at most 6 weeks"),
    ],
)
async def test_invalid_typed_end_is_refused(services: Services, typed: str, message: str) -> None:
    lead = await eligible_ana(services)
    with pytest.raises(Refused, match=message):
        prefill.parse_arguments(lead, typed.split())
    arguments = prefill.parse_arguments(lead, ["results", "1w", "Ship", "<it>"])
    assert arguments.milestone == "Ship <it>"
    assert arguments.ends_on == date(2026, 11, 30)


async def test_new_form_has_workspace_defaults_and_typed_arguments(
    services: Services,
) -> None:
    async with services.db.transaction() as tx:
        chosen = WorkspaceSettings(default_weeks=3, default_weekday=4, default_time=time(9, 30))
        await a_workspace(tx, chosen)

    stored, resumed = await prefilled_draft(services)
    assert not resumed
    assert (stored.channel_id, stored.user_id, stored.phase_id) == (LAUNCH, ANA, None)
    assert stored.draft == Draft(ends_on=date(2026, 12, 14), weekday=4, time_of_day=time(9, 30))

    arguments = Arguments(
        kind=PhaseKind.RESULTS_SPRINT, ends_on=date(2026, 12, 2), milestone="Ship"
    )
    draft = (await prefilled_draft(services, arguments))[0].draft
    assert (draft.kind, draft.kind_given, draft.ends_on) == (
        arguments.kind,
        True,
        arguments.ends_on,
    )
    assert draft.texts == {"milestone": "Ship"}


@pytest.mark.parametrize(
    ("draft_changes", "expected_changes"),
    [
        ({}, {"members": None}),  # the team was not chosen by hand
        ({"more_options": True, "team_chosen": True}, {}),
        ({"more_options": True}, {"members": None}),  # opened, and not sent
        ({"ends_on": TODAY}, {"ends_on": date(2026, 12, 7), "members": None}),
        ({"ends_on": TODAY + timedelta(days=1)}, {"members": None}),
    ],
)
async def test_unfinished_draft_is_resumed_without_outdated_fields(
    services: Services, draft_changes: dict[str, Any], expected_changes: dict[str, Any]
) -> None:
    unfinished = replace(UNFINISHED, **draft_changes)
    await save_unfinished(services, unfinished)

    stored, resumed = await prefilled_draft(services)

    assert resumed
    assert stored.draft_id == "unfinished"
    assert stored.draft == replace(
        unfinished, **expected_changes, doubt_shown=False, starts_anyway=False
    )


async def test_form_that_was_only_looked_at_is_not_said_to_be_filled_in(
    services: Services,
) -> None:
    await save_unfinished(services, replace(UNFINISHED, texts={}, answers={"clarity": None}))

    assert (await prefilled_draft(services))[1] is False


async def test_typed_arguments_override_an_unfinished_draft(services: Services) -> None:
    await save_unfinished(services)
    arguments = Arguments(
        kind=PhaseKind.RESULTS_SPRINT, ends_on=date(2026, 12, 2), milestone="Ship"
    )

    draft = (await prefilled_draft(services, arguments))[0].draft

    assert (draft.kind, draft.kind_given, draft.ends_on) == (
        arguments.kind,
        True,
        arguments.ends_on,
    )
    assert draft.texts == {"milestone": "Ship", "purpose": "Why"}


async def test_continuing_form_copies_the_previous_phase_except_its_end(
    services: Services,
) -> None:
    await save_unfinished(services)  # for a different phase: kept separately
    proposal = replace(
        SPRINT,
        co_lead_ids=(CHIARA,),
        weekday=3,
        time_of_day=time(16),
        remind=False,
        comments_to="team",
    )
    phase_id = await begin(services, proposal)

    stored, resumed = await prefilled_draft(services, continues=phase_id)

    assert not resumed
    assert stored.draft_id != "unfinished"
    draft = stored.draft
    assert (draft.kind, draft.kind_given, draft.continues) == (SPRINT.kind, True, phase_id)
    assert draft.ends_on == date(2026, 12, 7)
    assert draft.texts["milestone"] == "ship the beta"
    assert draft.texts["stakes"] == "Two customers decide."
    assert draft.rows == (Row(text="Dark mode", owner_id=BEN), Row(text="hiring", owner_id=ANA))
    assert sorted(draft.members or ()) == sorted({*MEMBERS} - {CHIARA})
    assert draft.co_leads == (CHIARA,)
    assert (draft.weekday, draft.time_of_day, draft.remind) == (3, time(16), False)
    assert draft.comments_to == "team"


async def test_unfinished_draft_of_a_continuing_phase_keeps_its_team(services: Services) -> None:
    await save_unfinished(services, replace(UNFINISHED, continues="phase"))
    stored, resumed = await prefilled_draft(services, continues="phase")
    assert resumed
    assert stored.draft.members == (BEN,)

    unknown, resumed = await prefilled_draft(services, continues="gone")
    assert not resumed
    assert unknown.draft == Draft(ends_on=date(2026, 12, 7), continues="gone", kind_given=True)
