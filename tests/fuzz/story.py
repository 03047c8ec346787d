"""The story in which the samples are recorded: a phase from start to wrap-up, and mishaps."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from sqlalchemy import update

from bot.announcement.expectation_forms import EXPECTATIONS, WORDS_BLOCK, line_block
from bot.announcement.messages import WHAT_ELSE
from bot.checks.model import CheckKind
from bot.db import schema
from bot.decisions.lifecycle import ask
from bot.decisions.model import Cause
from bot.history.rules import PAGE_SIZE
from bot.on_hold.handlers import CHECK
from bot.on_hold.rules import NEW_TEXT
from bot.phases import store as phases
from bot.phases.expectation import TOO_MUCH
from bot.playground.fake_slack.example_workspace import BOT_USER_ID
from bot.playground.fake_slack.workspace_changes import wait_for_delivery
from bot.playground.server import FakeSlack
from tests.fuzz.samples import Recorder, Sample
from tests.fuzz.target import Snapshot, Target
from tests.harness import ANA, BEN, CHIARA, HANA, LAUNCH, OWNER, SECRET, WORKSPACE, BotHarness
from tests.history.past_rows import insert_past_phases
from tests.scenarios.lead import CLEAR, Lead

COMMANDS = (
    *("", "status", "budget", "poll", "help", "settings", "end", "extend", "history", "forget-me"),
    *("start results 2w ship the beta", "start trust until 18 Dec", "strat"),
)
#: At most half the length of two weeks later.
EXTENDED_TO = "2026-12-14"
Change = Callable[[FakeSlack], Any]
CHANGES: tuple[Change, ...] = (
    lambda slack: slack.join(LAUNCH, OWNER),
    lambda slack: slack.leave(LAUNCH, BEN),
    lambda slack: slack.leave(LAUNCH, BOT_USER_ID),
    lambda slack: slack.archive(LAUNCH),
    lambda slack: slack.rename(LAUNCH, "lift-off"),
    lambda slack: slack.delete_channel(LAUNCH),
    lambda slack: slack.change_channel_id(LAUNCH, "C0MOVED"),
    lambda slack: slack.leave(SECRET, BOT_USER_ID),
    lambda slack: slack.archive(SECRET),
    lambda slack: slack.delete_channel(SECRET),
    lambda slack: slack.change_user(BEN, real_name="Benedict", tz="Asia/Tokyo"),
    lambda slack: slack.deactivate(HANA),
    lambda slack: slack.add_user(slack.copy_of(BEN, id="U0NEW", name="new")),
    lambda slack: slack.emit({"type": "team_access_granted", "team_ids": ["T0ELSE"]}),
    lambda slack: slack.emit({"type": "team_access_revoked", "team_ids": ["T0ELSE"]}),
    lambda slack: slack.uninstall(),
)
#: Payloads that end the installation, after which the bot answers nothing else.
LAST_WORDS = {"event app_uninstalled", "event tokens_revoked"}


async def record(target: Target, *, to_the_end: bool = True) -> list[Sample]:
    """Live through the story; return the samples, each with its state.

    The end of the phase adds states, but no handlers.
    """
    recorder = Recorder(target)
    beginning = await target.snapshot()
    await _until_results(recorder)
    if to_the_end:
        await _end(recorder)
    await _mishaps(recorder, beginning)
    recorder.stop()
    samples = list(recorder.samples.values())
    return [*samples, *_unhandled(samples)]


async def _until_results(recorder: Recorder) -> None:
    target = recorder.target
    harness, lead = target.harness, Lead(target.harness)
    await harness.settle()
    recorder.stage = "before"
    await recorder.explore(ANA, commands=COMMANDS)
    recorder.stage = "admin"
    await recorder.explore(OWNER, commands=("settings",))
    await lead.types("results 2w")
    await lead.sends(**CLEAR | {"start.level.clarity": "1"})
    await recorder.explore_form(lead.me)
    await lead.sends(**CLEAR)
    await recorder.explore_form(lead.me)
    await lead.me.close(everything=True)
    recorder.state = await target.snapshot()
    await lead.starts()
    await recorder.explore_form(lead.me)
    await lead.me.click(EXPECTATIONS)
    await lead.sends(**{line_block(user_id): "Reviews." for user_id in (BEN, CHIARA)})
    if lead.me.top_view is not None:
        await lead.me.close(everything=True)
    recorder.stage = "running"
    await recorder.explore(ANA, commands=COMMANDS)
    await recorder.explore(BEN, OWNER)
    await _raise_concern(harness)
    await harness.wait(days=1)
    await _ask_check(harness)
    recorder.stage = "asking"
    await recorder.explore(ANA, commands=("", "poll"))
    await recorder.explore(BEN, OWNER)
    await _reply(recorder)
    await _propose(recorder)
    await _events(recorder)
    await _results(recorder)


async def _results(recorder: Recorder) -> None:
    """Let the lead read the results, then the team."""
    harness = recorder.target.harness
    await _ask_for_decision(harness)
    await harness.slack.let_team_answer()
    await harness.wait(days=3)
    recorder.stage = "results"
    await recorder.explore(ANA, BEN)
    lead = Lead(harness)
    await lead.me.click("results.reply")
    await lead.sends(**{"results.reply.change": "When a review waits a day, I take it."})
    await harness.wait(hours=12)
    await insert_past_phases(harness.bot.db, PAGE_SIZE)
    recorder.stage = "results read"
    await recorder.explore(BEN, commands=("history",))


async def _ask_check(harness: BotHarness) -> None:
    """Let the open round ask a check, as later rounds do."""
    async with harness.bot.db.transaction() as tx:
        await tx.execute(update(schema.rounds).values(check_kind=CheckKind.SLIPPED))


async def _ask_for_decision(harness: BotHarness) -> None:
    """Let the results ask the lead whether this goes on."""
    async with harness.bot.db.transaction() as tx:
        phase = await phases.active_in(tx, WORKSPACE, LAUNCH)
        assert phase is not None
        await ask(tx, WORKSPACE, phase, Cause.CHECK, harness.clock.now())


async def _raise_concern(harness: BotHarness) -> None:
    """Let Ben write a note, so that the lead may answer it."""
    ben = Lead(harness, BEN)
    await ben.me.click("phase.concern")
    await ben.sends(**{"phase.concern.text": "Two of us worked on Sunday."})
    await ben.me.close(everything=True)


async def _reply(recorder: Recorder) -> None:
    """Let Ben reply to his line, so that the lead may change it."""
    harness, ben = recorder.target.harness, Lead(recorder.target.harness, BEN)
    before = await recorder.target.snapshot()
    recorder.state = None
    questions = next(
        message for message in reversed(ben.me.dm_with_bot()) if TOO_MUCH in str(message)
    )
    assert ben.me.direct_message is not None
    await ben.me.click(TOO_MUCH, channel=ben.me.direct_message.id, ts=questions["ts"])
    await ben.sends(**{WORDS_BLOCK: "Not with on-call."})
    await harness.settle()
    await recorder.explore(ANA)
    await recorder.target.restore(before)


async def _propose(recorder: Recorder) -> None:
    """Let Ben look two messages up, and propose something, so that Ana may answer."""
    target, harness = recorder.target, recorder.target.harness
    before = await target.snapshot()
    ben = Lead(harness, BEN)
    announcement = next(one for one in ben.me.visible(LAUNCH) if WHAT_ELSE in str(one))
    for text in ("Dark mode, please.", "Who orders lunch?"):
        said = await ben.me.say(LAUNCH, text)
        recorder.state = await target.snapshot()
        await ben.me.use_shortcut(CHECK, LAUNCH, said["ts"])
    recorder.state = None
    await recorder.explore(BEN)
    await ben.me.click(WHAT_ELSE, channel=LAUNCH, ts=announcement["ts"])
    recorder.state = await target.snapshot()
    await ben.sends(**{NEW_TEXT: "The demo"})
    recorder.state = None
    await ben.me.close(everything=True)
    await recorder.explore(ANA)
    await target.restore(before)


async def _end(recorder: Recorder) -> None:
    harness, lead = recorder.target.harness, Lead(recorder.target.harness)
    await harness.wait(days=12)
    recorder.stage = "over"
    await recorder.explore(ANA, commands=("", "end", "extend", "start"))
    await recorder.explore(BEN)
    await lead.me.command("/imbalance end", LAUNCH)
    await lead.sends(milestone_outcome="hit", outcome="The beta is out.")
    await lead.me.close(everything=True)
    await harness.wait(days=2)
    recorder.stage = "wrapped up"
    await recorder.explore(ANA, commands=("", "end", "extend", "start"))


async def _events(recorder: Recorder) -> None:
    """Let things happen in the workspace, each from the same state."""
    target, slack = recorder.target, recorder.target.harness.slack
    await wait_for_delivery(slack.join(SECRET, BOT_USER_ID))
    before = await target.snapshot()
    for change in CHANGES:
        recorder.state = before
        await wait_for_delivery(change(slack))
        await slack.settled()
        await target.restore(before)
    await wait_for_delivery(slack.archive(LAUNCH))
    await wait_for_delivery(slack.archive(SECRET))
    recorder.state = await target.snapshot()
    await wait_for_delivery(slack.unarchive(LAUNCH))
    await wait_for_delivery(slack.unarchive(SECRET))
    recorder.state = None
    await target.harness.settle()
    await target.restore(before)


async def _mishaps(recorder: Recorder, beginning: Snapshot) -> None:
    """Let the announcement get lost or be deleted, and the channel be archived."""
    target, slack = recorder.target, recorder.target.harness.slack
    await target.restore(beginning)
    slack.core.manifest.events.discard("message_metadata_posted")
    slack.faults.fail_next("chat.postMessage", status=500)
    slack.faults.fail_next("conversations.history", error="missing_scope")
    await Lead(target.harness).starts()
    slack.core.manifest.events.add("message_metadata_posted")
    recorder.stage = "held"
    await recorder.explore(OWNER, ANA)

    await target.restore(beginning)
    lead = Lead(target.harness)
    await lead.starts()
    await lead.me.close(everything=True)
    started = await target.snapshot()
    slack.delete_message(LAUNCH, slack.workspace.messages(LAUNCH)[0]["ts"])
    await target.harness.wait(days=2)
    recorder.stage = "deleted"
    await recorder.explore(ANA)

    await target.restore(started)
    await lead.me.command("/imbalance end", LAUNCH)
    await lead.sends(milestone_outcome="hit", outcome="The beta is out.")
    await lead.me.close(everything=True)
    recorder.stage = "ended"
    await recorder.explore(ANA, commands=("start",))
    await _other_phases(recorder, beginning, started)


async def _other_phases(recorder: Recorder, beginning: Snapshot, started: Snapshot) -> None:
    """Let a phase be extended, one build trust, and one be paused."""
    target, slack = recorder.target, recorder.target.harness.slack
    lead = Lead(target.harness)
    await target.restore(started)
    await lead.me.command("/imbalance extend", LAUNCH)
    await lead.sends(ends_on=EXTENDED_TO, reason="The audit came late.")
    await lead.me.close(everything=True)
    recorder.stage = "extended"
    await recorder.explore(ANA, commands=("extend",))

    await target.restore(beginning)
    await lead.starts("trust 4w")
    await lead.me.close(everything=True)
    recorder.stage = "building trust"
    await recorder.explore(BEN)

    await target.restore(started)
    await wait_for_delivery(slack.archive(LAUNCH))
    await target.harness.settle()
    recorder.stage = "paused"
    await recorder.explore(ANA, commands=("", "poll", "end", "extend"))


def _unhandled(samples: list[Sample]) -> list[Sample]:
    """Return payloads that have no handler of their own."""
    pressed = next(one for one in samples if "message" in one.payload)
    sent = next(one for one in samples if one.name.startswith("view_submission"))
    typed = next(one for one in samples if one.kind == "slash_commands")
    happened = next(one for one in samples if one.kind == "events_api")
    about = {name: pressed.payload[name] for name in ("team", "user", "token", "api_app_id")}
    press, message = pressed.payload["actions"][0], pressed.payload["message"]
    action, event = {**press, "action_id": "unheard.of"}, {"type": "unheard_of", "channel": LAUNCH}
    place = {name: pressed.payload[name] for name in ("channel", "response_url", "trigger_id")}
    changed: tuple[tuple[Sample, dict[str, Any]], ...] = (
        (sent, {**sent.payload, "type": "view_closed", "is_cleared": False}),
        (sent, {**sent.payload, "view": {**sent.payload["view"], "callback_id": "unheard.of"}}),
        (pressed, {**pressed.payload, "actions": [action]}),
        (pressed, {"type": "block_suggestion", **about, **press, "value": "s", "view": None}),
        (pressed, {"type": "shortcut", **about, "callback_id": "short", "trigger_id": "1.2.3"}),
        (pressed, {"type": "message_action", **about, **place, "message": message}),
        (typed, {**typed.payload, "command": "/unheard"}),
        (happened, {**happened.payload, "event": event}),
        (happened, {"type": "url_verification", "challenge": "c", "token": "t"}),
        (happened, {"type": "app_rate_limited", "team_id": about["team"]["id"], "minute": 1}),
    )
    return [
        Sample(
            name=f"unhandled {payload.get('type', payload.get('command'))} {number}",
            kind=like.kind,
            payload=deepcopy(payload),
            state=like.state,
        )
        for number, (like, payload) in enumerate(changed)
    ]
