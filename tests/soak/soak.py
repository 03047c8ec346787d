"""The simulation: phases follow each other, people answer and move, the bot has downtimes."""

import heapq
from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta
from functools import partial
from itertools import count

from bot.clock import monotonic
from tests.model.calendar import DAY, DECIDED_AT, decided_on, is_welcome, local, there
from tests.model.downtime import oversleep
from tests.model.facts import CHECK, KEYS, Phase, Promise, Round
from tests.model.promises import may_promise, may_reply, replaced_by
from tests.soak.bot import Json
from tests.soak.downtime_adjustments import adopt_late_rounds
from tests.soak.people import BotProcess, answer_payloads
from tests.soak.random_choices import SeededChoices
from tests.soak.simulated_workspace import CHANNEL, LARGEST, SMALLEST, ZONES, SimulatedWorkspace
from tests.soak.slack import Post, Slack, profile

Action = Callable[[], Awaitable[None]]

#: Everything that people do happens on a quarter of an hour.
GRID = timedelta(minutes=15)
TIMES = (time(8), time(9, 30), time(10), time(11, 15), time(14), time(16, 45), time(20))
LENGTHS = (3, 5, 9, 11, 14, 14, 16, 18, 21, 23, 28, 35)
#: About every ten days the bot is down for one of these numbers of hours.
DOWNTIME_EVERY_DAYS, DOWNTIME_HOURS = 10, (0.5, 1, 2, 3.25, 5, 7.75, 11, 16, 26, 49.5, 75)
#: Percent of the people asked.
ANSWER, SKIP = 68, 8
#: By then everything has happened in the bot once, and its caches are full.
WARM_WEEKS = 4
#: Percent of those who answer.
COMMENT = 40
#: Percent of the workspaces, every four days.
JOIN, LEAVE, MOVE = 25, 20, 12


class Soak:
    """The people of all workspaces, and the bot that they use."""

    def __init__(
        self,
        workspaces: list[SimulatedWorkspace],
        bot: BotProcess,
        slack: Slack,
        seed: int,
        now: datetime,
    ) -> None:
        self.workspaces = {workspace.workspace_id: workspace for workspace in workspaces}
        self.bot, self.slack, self.now = bot, slack, now
        self.problems: list[str] = []
        self.rounds: dict[str, Round] = {}  # by the id that the bot gave them
        self.answers = self.bad_hours = 0
        self.warm_megabytes = self.grown_megabytes = (
            0.0  # of the bot after WARM_WEEKS, and since then
        )
        self.downtimes: list[tuple[datetime, datetime]] = []
        self._choices = SeededChoices("soak", seed)
        self._numbers = count(1)
        self._queue: list[tuple[datetime, int, Action]] = []
        self._began_at = monotonic()

    async def simulate(self, until: datetime) -> None:
        """Run the whole simulation until a time."""
        self._schedule_everything(until)
        await self.bot.do("boot", at=self.now.isoformat())
        self.megabytes: float = (await self.bot.do("counts"))["megabytes"]  # before the simulation
        week, began = 0, self.now
        while self.now < until:
            await self._step(until)
            if (self.now - began).days // 7 > week:
                week = (self.now - began).days // 7
                await self._print_week(week)
        for workspace in self.workspaces.values():
            workspace.reference_model.advance(self.now)

    def schedule(self, at: datetime, action: Action) -> None:
        heapq.heappush(self._queue, (at, next(self._numbers), action))

    def _schedule_everything(self, until: datetime) -> None:
        for workspace in self.workspaces.values():
            self.schedule(
                self.now + GRID * workspace.choices.below(4 * 24 * 5),
                partial(self._start_phase, workspace),
            )
            self.schedule(
                self.now + GRID * workspace.choices.below(4 * 96),
                partial(self._change_team, workspace),
            )
        at = self.now + DAY * self._choices.between(3, DOWNTIME_EVERY_DAYS)
        while at < until - 3 * DAY:
            hours = self._choices.one_of(DOWNTIME_HOURS)
            self.schedule(at, partial(self._go_down, timedelta(hours=hours)))
            at += timedelta(hours=hours) + GRID * self._choices.between(
                96, 2 * 96 * DOWNTIME_EVERY_DAYS
            )

    async def _step(self, until: datetime) -> None:
        """Move to the next event, in the bot or among the people."""
        due = [until, *([self.bot.next_at] if self.bot.next_at else [])]
        due += [self._queue[0][0]] if self._queue else []
        self.now = max(self.now, min(due))
        await self.bot.do("move_clock", at=self.now.isoformat())
        self._react()
        while self._queue and self._queue[0][0] <= self.now < until:
            await heapq.heappop(self._queue)[2]()
            self._react()

    async def _print_week(self, week: int) -> None:
        memory = (await self.bot.do("counts"))["megabytes"]
        if week <= WARM_WEEKS:
            self.warm_megabytes = memory
        self.grown_megabytes = memory - self.warm_megabytes
        posts = sum(len(account.posts) for account in self.slack.accounts.values())
        seconds = monotonic() - self._began_at
        print(
            f"week {week:2} · {posts:7,} messages · {self.slack.calls:7,} calls · "
            f"{self.answers:6,} answers · {memory:5.0f} MB · {seconds:5.0f} s",
            flush=True,
        )

    # ------------------------------------------------------------ phases

    async def _start_phase(self, workspace: SimulatedWorkspace) -> None:
        reference_model, choices = workspace.reference_model, workspace.choices
        reference_model.advance(self.now)
        running = reference_model.active(CHANNEL)
        team = workspace.members - {workspace.lead}
        if running is not None or not team:
            after = running.ends_at if running else self.now
            self.schedule(
                _on_grid(after) + GRID * choices.between(96, 960),
                partial(self._start_phase, workspace),
            )
            return
        phase = self._phase(workspace, team)
        stops_if = choices.chance(50)
        if stops_if:
            phase.decide_at = _decides_at(phase)
        answer = await self.bot.do(
            "start_phase",
            workspace=workspace.workspace_id,
            is_sprint=phase.is_sprint,
            lead=workspace.lead,
            members=sorted(team),
            starts=phase.starts.isoformat(),
            ends=phase.ends.isoformat(),
            zone=phase.zone,
            weekday=phase.weekday,
            at=phase.at.isoformat(),
            reminds=phase.reminds,
            stops_if=stops_if,
        )
        phase.phase_id = answer["phase_id"]
        reference_model.start(phase)
        self._plan_lead_actions(workspace, phase)

    def _phase(self, workspace: SimulatedWorkspace, members: set[str]) -> Phase:
        zone = workspace.reference_model.people[workspace.lead].zone
        today = there(self.now, zone).date()
        return Phase(
            phase_id="",
            channel=CHANNEL,
            is_sprint=workspace.choices.chance(50),
            lead=workspace.lead,
            zone=zone,
            starts=today,
            ends=today + DAY * workspace.choices.one_of(LENGTHS),
            weekday=workspace.choices.below(5),
            at=workspace.choices.one_of(TIMES),
            reminds=workspace.choices.chance(80),
            leads={workspace.lead},
            members=set(members),
            reflected=False,
        )

    def _plan_lead_actions(self, workspace: SimulatedWorkspace, phase: Phase) -> None:
        """Schedule what the lead does before the phase ends, and the start of the next one."""
        days = (phase.ends - phase.starts).days
        soon = self.now + GRID * workspace.choices.between(4, 96 * max(1, days - 1))
        if workspace.choices.chance(20):
            self.schedule(soon, partial(self._poll, workspace))
        if workspace.choices.chance(20):
            self.schedule(soon, partial(self._extend, workspace, phase))
        elif workspace.choices.chance(20):
            self.schedule(soon, partial(self._wrap_up, workspace, phase))
        gap = GRID * workspace.choices.between(8, 96 * 9)
        self.schedule(_on_grid(phase.ends_at) + gap, partial(self._start_phase, workspace))

    async def _poll(self, workspace: SimulatedWorkspace) -> None:
        workspace.reference_model.advance(self.now)
        phase = workspace.reference_model.active(CHANNEL)
        allowed = phase is not None and workspace.reference_model.poll(phase)
        outcome = await self.bot.do("poll", workspace=workspace.workspace_id, user=workspace.lead)
        self._expect(allowed == (outcome["refused"] == ""), f"poll: {outcome['refused']}")

    async def _extend(self, workspace: SimulatedWorkspace, phase: Phase) -> None:
        workspace.reference_model.advance(self.now)
        until = min(phase.ends + 3 * DAY, phase.latest_extension)
        allowed = phase.is_active and phase.ends == phase.first_ends < until
        common = {
            "workspace": workspace.workspace_id,
            "phase_id": phase.phase_id,
            "user": workspace.lead,
        }
        outcome = await self.bot.do("extend_phase", **common, until=until.isoformat())
        self._expect(allowed == (outcome["refused"] == ""), f"extend: {outcome['refused']}")
        if allowed:
            phase.ends = until
            workspace.reference_model.plan(phase)

    async def _wrap_up(self, workspace: SimulatedWorkspace, phase: Phase) -> None:
        workspace.reference_model.advance(self.now)
        common = {
            "workspace": workspace.workspace_id,
            "phase_id": phase.phase_id,
            "user": workspace.lead,
        }
        outcome = await self.bot.do("wrap_up_phase", **common)
        self._expect(outcome["refused"] == "", f"end: {outcome['refused']}")
        workspace.reference_model.wrap_up(phase, workspace.lead)

    # ------------------------------------------------------------ people

    async def _change_team(self, workspace: SimulatedWorkspace) -> None:
        """Let people join, leave and move to other time zones now and then."""
        choices, reference_model = workspace.choices, workspace.reference_model
        reference_model.advance(self.now)
        team = sorted(workspace.members - {workspace.lead})
        if choices.chance(JOIN) and len(team) < LARGEST:
            user = workspace.add_person()
            reference_model.join(CHANNEL, user)
            await self._send_event(workspace, {"type": "member_joined_channel", "user": user})
        if choices.chance(LEAVE) and len(team) >= SMALLEST:
            user = choices.one_of(team)
            reference_model.leave(CHANNEL, user)
            await self._send_event(workspace, {"type": "member_left_channel", "user": user})
        if choices.chance(MOVE):
            user = choices.one_of(sorted(workspace.members))
            workspace.move(user, choices.one_of(ZONES))
            await self._send_event(
                workspace, {"type": "user_change", "user": profile(workspace, user)}
            )
        self.schedule(self.now + 4 * DAY, partial(self._change_team, workspace))

    async def _send_event(self, workspace: SimulatedWorkspace, event: dict) -> None:
        event_id = f"Ev{next(self._numbers)}"
        for _ in range(2 if workspace.choices.chance(10) else 1):
            await self.bot.send_event(workspace.workspace_id, event, event_id)
        await self.bot.do("move_clock", at=self.now.isoformat())

    def _react(self) -> None:
        """Let those who were asked answer after a while."""
        new_posts, self.slack.new_posts = self.slack.new_posts, []
        for post in new_posts:
            workspace = self.workspaces[post.workspace_id]
            if post.to != CHANNEL and not is_welcome(
                self.now, workspace.reference_model.people[post.to].zone
            ):
                self.bad_hours += 1
                self.problems.append(f"at a bad hour: {post}")
            if post.asks_in_round is not None and not post.is_reminder:
                self._plan_answer(workspace, post, post.asks_in_round)
            self._plan_replies(workspace, post)

    def _plan_replies(self, workspace: SimulatedWorkspace, post: Post) -> None:
        """Let the lead reply to results, and decide, most of the time."""
        soon = self.now + GRID * workspace.choices.between(1, 96)
        if (round_id := post.button_values.get("results.reply")) and workspace.choices.chance(70):
            self.schedule(soon, partial(self._reply, workspace, round_id))
        if (target := post.button_values.get("decisions.decide")) and workspace.choices.chance(60):
            self.schedule(soon, partial(self._decide, workspace, target))

    async def _reply(self, workspace: SimulatedWorkspace, round_id: str) -> None:
        workspace.reference_model.advance(self.now)
        round_ = self.rounds.get(round_id)
        if round_ is None or round_.show_time_uncertain:
            return
        phase = round_.phase
        allowed = may_reply(round_) and may_promise(phase, round_, workspace.lead, is_change=True)
        outcome = await self._lead_does("reply", workspace, phase, round_id=round_id)
        self._expect(allowed == (outcome["refused"] == ""), f"reply: {outcome['refused']}")
        if allowed:
            _record_promise(phase, round_, workspace.lead, outcome["promises"])

    async def _decide(self, workspace: SimulatedWorkspace, target: str) -> None:
        reference_model = workspace.reference_model
        reference_model.advance(self.now)
        phase_id, decision_id = target.split(":")
        (phase,) = [one for one in reference_model.phases if one.phase_id == phase_id]
        decision = phase.open_decision
        if decision is None or phase.decisions_uncertain:
            return  # it has ended meanwhile
        choice = workspace.choices.one_of(("continue", "adjust"))
        allowed = choice == "continue" or may_promise(phase, None, workspace.lead, is_change=True)
        asked = {"decision_id": decision_id, "choice": choice}
        outcome = await self._lead_does("decide", workspace, phase, **asked)
        self._expect(allowed == (outcome["refused"] == ""), f"decide: {outcome['refused']}")
        if allowed:
            reference_model.decisions.decide(decision, workspace.lead, choice)
            if choice == "adjust":
                _record_promise(phase, None, workspace.lead, outcome["promises"])

    async def _lead_does(
        self, command: str, workspace: SimulatedWorkspace, phase: Phase, **arguments: str
    ) -> Json:
        return await self.bot.do(
            command,
            workspace=workspace.workspace_id,
            phase_id=phase.phase_id,
            user=workspace.lead,
            **arguments,
        )

    def _plan_answer(self, workspace: SimulatedWorkspace, post: Post, round_id: str) -> None:
        workspace.reference_model.advance(self.now)
        round_ = self.rounds.get(round_id) or self._unidentified_round(workspace)
        if round_ is None:
            self.problems.append(f"unexpected questions: {post}")
            return
        self.rounds[round_id] = round_
        after = GRID * workspace.choices.between(1, 4 * 44)
        chance = workspace.choices.below(100)
        if chance < ANSWER + SKIP:
            drawn = {
                key: workspace.choices.between(1, 5) for key in KEYS if workspace.choices.chance(92)
            }
            levels = drawn if chance < ANSWER else {}
            if levels and f"rounds.tap.{CHECK}.1" in post.button_values:
                levels[CHECK] = workspace.choices.between(0, 3)
            self.schedule(self.now + after, partial(self._answer, workspace, round_, post, levels))

    def _unidentified_round(self, workspace: SimulatedWorkspace) -> Round | None:
        identified = {id(round_) for round_ in self.rounds.values()}
        found = [
            round_ for round_ in workspace.reference_model.rounds() if id(round_) not in identified
        ]
        return found[-1] if found else None

    async def _answer(
        self, workspace: SimulatedWorkspace, round_: Round, post: Post, levels: dict[str, int]
    ) -> None:
        """Tap these levels, or click Skip without any."""
        workspace.reference_model.advance(self.now)
        if round_ not in workspace.reference_model.open_for(post.to):
            return
        has_comment = levels and post.to in round_.members and workspace.choices.chance(COMMENT)
        comment = f"remark {next(self._numbers)} of mine" if has_comment else ""
        for payload in answer_payloads(post, levels, comment, self.slack.url):
            await self.bot.send_interaction(payload)
        self.answers += 1
        if levels:
            if CHECK in levels:
                round_.check_answers[post.to] = levels[CHECK]
            round_.answers[post.to] = {key: levels[key] for key in KEYS if key in levels}
            if comment:
                round_.comments[post.to] = comment
        elif post.to in round_.members:
            round_.skipped.add(post.to)

    # ------------------------------------------------------------ downtime

    async def _go_down(self, length: timedelta) -> None:
        """Stop the bot for some time. People postpone what they wanted to do."""
        self.downtimes.append((self.now, self.now + length))
        for workspace in self.workspaces.values():
            workspace.reference_model.advance(self.now)
        await self.bot.do("shut_down")
        self.now += length
        for workspace in self.workspaces.values():
            oversleep(workspace.reference_model, self.now)
        await self.bot.do("boot", at=self.now.isoformat())
        await adopt_late_rounds(self.workspaces, self.bot)
        self._react()

    def _expect(self, right: bool, what: str) -> None:
        if not right:
            self.problems.append(f"{self.now}: {what}")


def _on_grid(at: datetime) -> datetime:
    """The first quarter of an hour at or after a time."""
    over = timedelta(minutes=at.minute % 15, seconds=at.second)
    return at if not over else at - over + GRID


def _decides_at(phase: Phase) -> datetime:
    is_asked = len(phase.members) >= 4
    on = decided_on(phase.starts, phase.ends, phase.weekday, phase.at, is_asked=is_asked)
    return local(on, DECIDED_AT, phase.zone)


def _record_promise(
    phase: Phase, one: Round | None, by: str, stored: list[tuple[str, str]]
) -> None:
    earlier = replaced_by(phase, one, is_change=True)
    if earlier is not None:
        earlier.one = one or earlier.one
        return
    known = {promise.promise_id for promise in phase.promises}
    ((promise_id, made_at),) = [each for each in stored if each[0] not in known]
    phase.promises.append(
        Promise(
            promise_id=promise_id,
            by=by,
            one=one,
            is_change=True,
            made_at=datetime.fromisoformat(made_at),
        )
    )
