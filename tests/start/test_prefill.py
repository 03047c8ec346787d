"""What the start form is filled with: typed words, what was left here before, or what went on."""

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest

from bot.phases.rules import Kind
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
TYPED = Arguments()
LEFT = Draft(
    kind=Kind.TRUST_BUILDING,
    ends_on=date(2026, 12, 1),
    texts={"milestone": "Left", "purpose": "Why"},
    members=(BEN,),
    weekday=4,
    doubted=True,
    anyway=True,
)


async def who(services: Services) -> EligibleLead:
    request = Request(workspace_id=WORKSPACE, channel_id=LAUNCH, user_id=ANA)
    return await eligible_lead(services, request)


async def drafted(
    services: Services, said: Arguments = TYPED, continues: str | None = None
) -> tuple[StoredDraft, bool]:
    one = await who(services)
    async with services.db.transaction() as tx:
        return await prefill.drafted(tx, one, said, continues)


async def leave(services: Services, draft: Draft = LEFT) -> None:
    kept = StoredDraft(draft_id="left", channel_id=LAUNCH, user_id=ANA, draft=draft, phase_id=None)
    async with services.db.transaction() as tx:
        await draft_store.save(tx, WORKSPACE, kept, NOW)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("until", "cannot read nothing as a day"),
        ("until soon", 'cannot read "soon" as a day'),
        ("until 2026-11-23", "not after today"),
        ("results until 2027-01-05", "44 days"),
    ],
)
async def test_an_end_that_cannot_be_is_said_where_it_was_typed(
    services: Services, words: str, says: str
) -> None:
    one = await who(services)
    with pytest.raises(Refused, match=says):
        prefill.typed(one, words.split())
    said = prefill.typed(one, ["results", "1w", "Ship", "&lt;it&gt;"])
    assert said.milestone == "Ship <it>"
    assert said.ends_on == date(2026, 11, 30)


async def test_a_new_form_has_the_workspaces_defaults_and_what_was_typed(
    services: Services,
) -> None:
    async with services.db.transaction() as tx:
        chosen = WorkspaceSettings(default_weeks=3, default_weekday=4, default_time=time(9, 30))
        await a_workspace(tx, chosen)

    kept, resumed = await drafted(services)
    assert not resumed
    assert (kept.channel_id, kept.user_id, kept.phase_id) == (LAUNCH, ANA, None)
    assert kept.draft == Draft(ends_on=date(2026, 12, 14), weekday=4, time_of_day=time(9, 30))

    said = Arguments(kind=Kind.RESULTS_SPRINT, ends_on=date(2026, 12, 2), milestone="Ship")
    draft = (await drafted(services, said))[0].draft
    assert (draft.kind, draft.kind_given, draft.ends_on) == (said.kind, True, said.ends_on)
    assert draft.texts == {"milestone": "Ship"}


@pytest.mark.parametrize(
    ("left", "kept"),
    [
        ({}, {"members": None}),  # nobody chose them by hand
        ({"more": True}, {}),
        ({"choose_team": True}, {}),
        ({"ends_on": TODAY}, {"ends_on": date(2026, 12, 7), "members": None}),
        ({"ends_on": TODAY + timedelta(days=1)}, {"members": None}),
    ],
)
async def test_what_was_left_is_taken_up_but_for_what_time_has_overtaken(
    services: Services, left: dict[str, Any], kept: dict[str, Any]
) -> None:
    before = replace(LEFT, **left)
    await leave(services, before)

    found, resumed = await drafted(services)

    assert resumed
    assert found.draft_id == "left"
    assert found.draft == replace(before, **kept, doubted=False, anyway=False)


async def test_what_was_typed_now_counts_before_what_was_left(services: Services) -> None:
    await leave(services)
    said = Arguments(kind=Kind.RESULTS_SPRINT, ends_on=date(2026, 12, 2), milestone="Ship")

    draft = (await drafted(services, said))[0].draft

    assert (draft.kind, draft.kind_given, draft.ends_on) == (said.kind, True, said.ends_on)
    assert draft.texts == {"milestone": "Ship", "purpose": "Why"}


async def test_one_that_follows_a_phase_repeats_what_it_said_with_an_end_of_its_own(
    services: Services,
) -> None:
    await leave(services)  # about something else, so it is kept beside
    proposal = replace(
        SPRINT,
        co_lead_ids=(CHIARA,),
        weekday=3,
        time_of_day=time(16),
        remind=False,
        comments_to="team",
    )
    phase_id = await begin(services, proposal)

    kept, resumed = await drafted(services, continues=phase_id)

    assert not resumed
    assert kept.draft_id != "left"
    draft = kept.draft
    assert (draft.kind, draft.kind_given, draft.continues) == (SPRINT.kind, True, phase_id)
    assert draft.ends_on == date(2026, 12, 7)
    assert draft.texts["milestone"] == "ship the beta"
    assert draft.texts["stakes"] == "Two customers decide."
    assert draft.rows == (Row(text="Dark mode", owner_id=BEN), Row(text="hiring", owner_id=ANA))
    assert sorted(draft.members or ()) == sorted({*MEMBERS} - {CHIARA})
    assert draft.co_leads == (CHIARA,)
    assert (draft.weekday, draft.time_of_day, draft.remind) == (3, time(16), False)
    assert draft.comments_to == "team"


async def test_a_form_left_about_the_same_phase_keeps_its_team(services: Services) -> None:
    await leave(services, replace(LEFT, continues="phase"))
    kept, resumed = await drafted(services, continues="phase")
    assert resumed
    assert kept.draft.members == (BEN,)

    unknown, resumed = await drafted(services, continues="gone")
    assert not resumed
    assert unknown.draft == Draft(ends_on=date(2026, 12, 7), continues="gone", kind_given=True)
