"""The start form from page to page. What was typed is kept before anything is refused."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.log import log
from bot.phases import rules, store
from bot.phases.history import past_of
from bot.phases.rules import NEEDS_JUSTIFICATION
from bot.rounds.rules import plan
from bot.services import Services
from bot.slack.errors import Refused, verdict
from bot.slack.views import change_form, not_done, open_form
from bot.start import (
    begin,
    draft_store,
    page_moment,
    page_options,
    page_preview,
    page_promise,
    prefill,
    wizard_views,
)
from bot.start.begin import GONE, Beginning
from bot.start.draft import Draft
from bot.start.draft_store import Kept
from bot.start.eligibility import Scene, Starter, join, look_at, starter, with_team, wrong_people

Values = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Filling:
    """Somebody filling in a form."""

    workspace_id: str
    user_id: str
    draft_id: str


async def open_start(
    services: Services,
    body: Mapping[str, Any],
    *,
    workspace_id: str,
    channel_id: str,
    user_id: str,
    words: Sequence[str] = (),
    continues: str | None = None,
) -> None:
    """Open the form, filled with what was typed: after the command, or here before.

    It opens by what is known here. How the channel is, Slack is asked afterwards, and again with
    each page that is sent. `continues` is the running phase that the new one follows at once.

    Raises:
        Refused: nothing can be started here, or what was typed cannot be.
    """
    who = await starter(services, workspace_id=workspace_id, channel_id=channel_id, user_id=user_id)
    async with services.db.transaction() as tx:
        running = await store.active_in(tx, workspace_id, channel_id)
        if running is not None and running.phase_id != continues:
            raise Refused(begin.runs_already(running))
        said = await prefill.typed(tx, who, words)
        kept, resumed = await prefill.drafted(tx, who, said, continues)
        await draft_store.save(tx, workspace_id, kept, services.clock.now())
        page = await wizard_views.moment(tx, workspace_id, kept, who.today, resumed=resumed)
    shown = await open_form(services.client_for(workspace_id), body, page)
    services.afterwards.do(_look_behind(services, who, shown))


async def after_moment(services: Services, who: Filling, values: Values) -> View:
    """Page 1 was sent: returns page 2, or page 1 again with its doubt.

    Raises:
        Refused: something is missing on page 1.
    """
    kept = await _changed(services, who, lambda draft: page_moment.parse(values, draft))
    draft = kept.draft
    if draft.kind is None:
        raise Refused(page_moment.CHOOSE, {page_moment.KIND_BLOCK: page_moment.CHOOSE})
    if draft.is_ordinary and not draft.anyway:
        return await _doubt(services, who, draft)
    scene = await _scene(services, kept, who)
    filled = await with_team(services, scene, draft)
    await _changed(services, who, lambda _: replace(filled, doubted=filled.is_ordinary))
    return await _promise(services, who, scene)


async def after_promise(services: Services, who: Filling, values: Values) -> View:
    """Page 2 was sent: returns the preview, or page 2 again where it must ask for more.

    Raises:
        Refused: something on page 2 cannot be so, with sentences beside its fields.
    """
    kept = await _changed(services, who, lambda draft: page_promise.parse(values, draft))
    scene = await _scene(services, kept, who)
    async with services.db.reading() as reader:
        draft = await _justified(reader, scene, kept.draft)
        faults = await _faults(reader, scene, draft)
    faults = {**await wrong_people(services, scene, draft), **faults}
    kept = await _changed(services, who, lambda _: draft)
    shown = {
        name: text for name, text in faults.items() if page_promise.field_block(name) in values
    }
    if shown:
        beside = {page_promise.field_block(name): text for name, text in shown.items()}
        raise Refused(next(iter(shown.values())), beside)
    if not faults:
        return await wizard_views.preview(services, scene, kept)
    if set(faults) & set(page_options.NAMES):
        await _changed(services, who, lambda draft: replace(draft, more=True))
    return await _promise(services, who, scene, faults)


async def announce(services: Services, who: Filling) -> View:
    """Page 3 was sent: the phase begins. Returns the confirmation, or page 3 with the reason.

    Raises:
        Refused: the form was forgotten.
    """
    kept = await _kept(services, who)
    scene = await _scene(services, kept, who)
    try:
        await join(services, scene)
        phase_id = await begin.start(services, who.workspace_id, _beginning(scene, kept))
    except Refused as refusal:
        return await wizard_views.preview(services, scene, kept, refusal.text)
    async with services.db.reading() as reader:
        whole = await store.whole(reader, who.workspace_id, phase_id)
    assert whole is not None  # it began a moment ago
    phase = whole.phase
    first = plan(phase.starts_on, phase.ends_on, phase.weekday)[0]
    return page_preview.done(whole, first.on)


async def add_row(services: Services, who: Filling, values: Values) -> View:
    """*Add another*: page 2 with one more line for what can wait."""
    return await _page_2_with(services, who, values, lambda draft: draft.with_another_row())


async def show_more(services: Services, who: Filling, values: Values) -> View:
    """*More options*: page 2 with all of its inputs."""
    return await _page_2_with(services, who, values, lambda draft: replace(draft, more=True))


async def back(services: Services, who: Filling, values: Values, page: str) -> View:
    """*Back* on page 2 or 3: the page before it, as it was left."""
    if page == page_preview.PAGE:
        kept = await _kept(services, who)
        return await _promise(services, who, await _scene(services, kept, who))
    kept = await _changed(services, who, lambda draft: page_promise.parse(values, draft))
    return await _moment(services, who, kept)


async def _look_behind(services: Services, who: Starter, shown: Mapping[str, Any]) -> None:
    """Say it in the form that is `shown` where nothing can be started in its channel."""
    client = services.client_for(who.workspace_id)
    try:
        await look_at(
            services,
            workspace_id=who.workspace_id,
            channel_id=who.channel_id,
            user_id=who.lead.user_id,
        )
    except Refused as refusal:
        with suppress(Refused):  # the next page is shown already, or it was closed
            await change_form(client, shown, not_done(refusal))
    except (SlackApiError, ClientError, TimeoutError) as error:
        log.warning("channel_not_looked_at", reason=verdict(error).reason)


async def _page_2_with(
    services: Services, who: Filling, values: Values, change: Callable[[Draft], Draft]
) -> View:
    kept = await _changed(services, who, lambda draft: change(page_promise.parse(values, draft)))
    return await _promise(services, who, await _scene(services, kept, who))


async def _doubt(services: Services, who: Filling, draft: Draft) -> View:
    if draft.doubted:  # it stands on the page already
        block_id = page_moment.level_block("clarity")
        raise Refused(page_moment.SAY_YES, {block_id: page_moment.SAY_YES})
    kept = await _changed(services, who, lambda draft: replace(draft, doubted=True))
    return await _moment(services, who, kept)


async def _moment(services: Services, who: Filling, kept: Kept) -> View:
    scene = await _scene(services, kept, who)
    async with services.db.reading() as reader:
        return await wizard_views.moment(reader, who.workspace_id, kept, scene.today)


async def _promise(
    services: Services, who: Filling, scene: Scene, told: Mapping[str, str] | None = None
) -> View:
    kept = await _kept(services, who)
    async with services.db.reading() as reader:
        return await wizard_views.promise(reader, who.workspace_id, kept, scene.today, told)


async def _scene(services: Services, kept: Kept, who: Filling) -> Scene:
    return await look_at(
        services,
        workspace_id=who.workspace_id,
        channel_id=kept.channel_id,
        user_id=who.user_id,
    )


async def _kept(services: Services, who: Filling) -> Kept:
    async with services.db.reading() as reader:
        kept = await draft_store.of(reader, who.workspace_id, who.draft_id, who.user_id)
    if kept is None:
        raise Refused(GONE)
    return kept


async def _changed(services: Services, who: Filling, change: Callable[[Draft], Draft]) -> Kept:
    async with services.db.transaction() as tx:
        kept = await draft_store.of(tx, who.workspace_id, who.draft_id, who.user_id, to_write=True)
        if kept is None:
            raise Refused(GONE)
        kept = replace(kept, draft=change(kept.draft))
        await draft_store.save(tx, who.workspace_id, kept, services.clock.now())
    return kept


async def _justified(tx: AsyncConnection, scene: Scene, draft: Draft) -> Draft:
    """The draft that asks for a justification exactly where the rules do."""
    proposal = wizard_views.proposed(scene, draft)
    past = await past_of(tx, scene.workspace_id, proposal, draft.continues)
    reason = rules.needs_justification(proposal, past)
    sentence = NEEDS_JUSTIFICATION.format(reason=reason) if reason else None
    return replace(draft, justify=sentence)


async def _faults(tx: AsyncConnection, scene: Scene, draft: Draft) -> dict[str, str]:
    proposal = wizard_views.proposed(scene, draft)
    limits = await store.limits_of(tx, scene.workspace_id)
    past = await past_of(tx, scene.workspace_id, proposal, draft.continues)
    found = rules.refusals_to_start(proposal, past, limits, scene.today)
    ruled = {refusal.field or "ends_on": refusal.text for refusal in reversed(found)}
    return {**page_options.faults(draft), **page_promise.faults(draft, proposal.kind), **ruled}


def _beginning(scene: Scene, kept: Kept) -> Beginning:
    return Beginning(
        proposal=wizard_views.proposed(scene, kept.draft),
        answers=kept.draft.answers,
        draft_id=kept.draft_id,
        continues=kept.draft.continues,
        in_channel=scene.member_ids,
    )
