"""Half a year of many workspaces: phases follow each other, people live, the bot is away."""

import heapq
from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta
from functools import partial
from itertools import count

from bot.clock import monotonic
from tests.model.calendar import DAY, is_welcome, there
from tests.model.downtime import oversleep
from tests.model.facts import KEYS, Phase, Round
from tests.soak.downtime_adjustments import adopt
from tests.soak.people import BotProcess, pressed
from tests.soak.random_choices import Dice
from tests.soak.simulated_workspace import CHANNEL, LARGEST, SMALLEST, ZONES, Place
from tests.soak.slack import Post, Slack, profile

Deed = Callable[[], Awaitable[None]]

#: Everything that people do falls on a quarter of an hour.
GRID = timedelta(minutes=15)
TIMES = (time(8), time(9, 30), time(10), time(11, 15), time(14), time(16, 45), time(20))
LENGTHS = (3, 5, 9, 11, 14, 14, 16, 18, 21, 23, 28, 35)
#: The bot is away about every ten days, for so many hours.
AWAY_EVERY, AWAY = 10, (0.5, 1, 2, 3.25, 5, 7.75, 11, 16, 26, 49.5, 75)
#: Of a hundred people asked.
ANSWER, SKIP = 68, 8
#: By then everything has happened in the bot once, and its caches are as they will be.
WARM_WEEKS = 4
#: Of a hundred who answer.
REMARKS = 40
#: Of a hundred looks at a workspace, one every four days.
COMES, GOES, MOVES = 25, 20, 12


class Soak:
    """The people of all workspaces, and what becomes of them."""

    def __init__(
        self, places: list[Place], bot: BotProcess, slack: Slack, seed: int, now: datetime
    ) -> None:
        self.places = {place.workspace_id: place for place in places}
        self.bot, self.slack, self.now = bot, slack, now
        self.wrong: list[str] = []
        self.rounds: dict[str, Round] = {}  # by the id that the bot gave them
        self.answers = self.disturbed = 0
        self.warm = self.grown = 0.0  # MB of the bot after WARM_WEEKS, and what came since
        self.away: list[tuple[datetime, datetime]] = []
        self._dice = Dice("soak", seed)
        self._numbers = count(1)
        self._queue: list[tuple[datetime, int, Deed]] = []
        self._began_at = monotonic()

    async def live(self, until: datetime) -> None:
        """All of it, until then."""
        self._begin_everything(until)
        await self.bot.do("back", at=self.now.isoformat())
        self.megabytes: float = (await self.bot.do("counts"))["megabytes"]  # before any of it
        week, began = 0, self.now
        while self.now < until:
            await self._step(until)
            if (self.now - began).days // 7 > week:
                week = (self.now - began).days // 7
                await self._tell(week)
        for place in self.places.values():
            place.reference_model.advance(self.now)

    def later(self, at: datetime, deed: Deed) -> None:
        heapq.heappush(self._queue, (at, next(self._numbers), deed))

    def _begin_everything(self, until: datetime) -> None:
        for place in self.places.values():
            self.later(self.now + GRID * place.dice.below(4 * 24 * 5), partial(self._starts, place))
            self.later(self.now + GRID * place.dice.below(4 * 96), partial(self._lives, place))
        at = self.now + DAY * self._dice.between(3, AWAY_EVERY)
        while at < until - 3 * DAY:
            hours = self._dice.one_of(AWAY)
            self.later(at, partial(self._is_away, timedelta(hours=hours)))
            at += timedelta(hours=hours) + GRID * self._dice.between(96, 2 * 96 * AWAY_EVERY)

    async def _step(self, until: datetime) -> None:
        """On to whatever comes next, in the bot or among the people."""
        due = [until, *([self.bot.next_at] if self.bot.next_at else [])]
        due += [self._queue[0][0]] if self._queue else []
        self.now = max(self.now, min(due))
        await self.bot.do("to", at=self.now.isoformat())
        self._react()
        while self._queue and self._queue[0][0] <= self.now < until:
            await heapq.heappop(self._queue)[2]()
            self._react()

    async def _tell(self, week: int) -> None:
        memory = (await self.bot.do("counts"))["megabytes"]
        if week <= WARM_WEEKS:
            self.warm = memory
        self.grown = memory - self.warm
        posts = sum(len(account.posts) for account in self.slack.accounts.values())
        seconds = monotonic() - self._began_at
        print(
            f"week {week:2} · {posts:7,} messages · {self.slack.calls:7,} calls · "
            f"{self.answers:6,} answers · {memory:5.0f} MB · {seconds:5.0f} s",
            flush=True,
        )

    # ------------------------------------------------------------ phases

    async def _starts(self, place: Place) -> None:
        reference_model, dice = place.reference_model, place.dice
        reference_model.advance(self.now)
        running = reference_model.active(CHANNEL)
        members = place.inside - {place.lead}
        if running is not None or not members:
            after = running.ends_at if running else self.now
            self.later(_on_grid(after) + GRID * dice.between(96, 960), partial(self._starts, place))
            return
        phase = self._phase(place, members)
        answer = await self.bot.do(
            "start",
            workspace=place.workspace_id,
            is_sprint=phase.is_sprint,
            lead=place.lead,
            members=sorted(members),
            starts=phase.starts.isoformat(),
            ends=phase.ends.isoformat(),
            zone=phase.zone,
            weekday=phase.weekday,
            at=phase.at.isoformat(),
            reminds=phase.reminds,
        )
        phase.phase_id = answer["phase_id"]
        reference_model.start(phase)
        self._plans(place, phase)

    def _phase(self, place: Place, members: set[str]) -> Phase:
        zone = place.reference_model.people[place.lead].zone
        today = there(self.now, zone).date()
        return Phase(
            phase_id="",
            channel=CHANNEL,
            is_sprint=place.dice.chance(50),
            lead=place.lead,
            zone=zone,
            starts=today,
            ends=today + DAY * place.dice.one_of(LENGTHS),
            weekday=place.dice.below(5),
            at=place.dice.one_of(TIMES),
            reminds=place.dice.chance(80),
            leads={place.lead},
            members=set(members),
            reflected=False,
        )

    def _plans(self, place: Place, phase: Phase) -> None:
        """What its lead will do before it ends, and when the next one begins."""
        length = (phase.ends - phase.starts).days
        soon = self.now + GRID * place.dice.between(4, 96 * max(1, length - 1))
        if place.dice.chance(20):
            self.later(soon, partial(self._polls, place))
        if place.dice.chance(20):
            self.later(soon, partial(self._extends, place, phase))
        elif place.dice.chance(20):
            self.later(soon, partial(self._ends, place, phase))
        gap = GRID * place.dice.between(8, 96 * 9)
        self.later(_on_grid(phase.ends_at) + gap, partial(self._starts, place))

    async def _polls(self, place: Place) -> None:
        place.reference_model.advance(self.now)
        phase = place.reference_model.active(CHANNEL)
        may = phase is not None and place.reference_model.poll(phase)
        told = await self.bot.do("poll", workspace=place.workspace_id, user=place.lead)
        self._expect(may == (told["refused"] == ""), f"poll: {told['refused']}")

    async def _extends(self, place: Place, phase: Phase) -> None:
        place.reference_model.advance(self.now)
        until = min(phase.ends + 3 * DAY, phase.latest_extension)
        may = phase.is_active and phase.ends == phase.first_ends < until
        about = {"workspace": place.workspace_id, "phase_id": phase.phase_id, "user": place.lead}
        told = await self.bot.do("extend", **about, until=until.isoformat())
        self._expect(may == (told["refused"] == ""), f"extend: {told['refused']}")
        if may:
            phase.ends = until
            place.reference_model.plan(phase)

    async def _ends(self, place: Place, phase: Phase) -> None:
        place.reference_model.advance(self.now)
        about = {"workspace": place.workspace_id, "phase_id": phase.phase_id, "user": place.lead}
        told = await self.bot.do("end", **about)
        self._expect(told["refused"] == "", f"end: {told['refused']}")
        place.reference_model.wrap_up(phase)

    # ------------------------------------------------------------ people

    async def _lives(self, place: Place) -> None:
        """Somebody comes, goes, or moves to another time zone; now and then."""
        dice, reference_model = place.dice, place.reference_model
        reference_model.advance(self.now)
        team = sorted(place.inside - {place.lead})
        if dice.chance(COMES) and len(team) < LARGEST:
            user = place.newcomer()
            reference_model.join(CHANNEL, user)
            await self._hears(place, {"type": "member_joined_channel", "user": user})
        if dice.chance(GOES) and len(team) >= SMALLEST:
            user = dice.one_of(team)
            reference_model.leave(CHANNEL, user)
            await self._hears(place, {"type": "member_left_channel", "user": user})
        if dice.chance(MOVES):
            user = dice.one_of(sorted(place.inside))
            place.moves(user, dice.one_of(ZONES))
            await self._hears(place, {"type": "user_change", "user": profile(place, user)})
        self.later(self.now + 4 * DAY, partial(self._lives, place))

    async def _hears(self, place: Place, event: dict) -> None:
        event_id = f"Ev{next(self._numbers)}"
        for _ in range(2 if place.dice.chance(10) else 1):
            await self.bot.hears(place.workspace_id, event, event_id)
        await self.bot.do("to", at=self.now.isoformat())

    def _react(self) -> None:
        """Who is asked may answer after a while."""
        fresh, self.slack.fresh = self.slack.fresh, []
        for post in fresh:
            place = self.places[post.workspace_id]
            if post.to != CHANNEL and not is_welcome(
                self.now, place.reference_model.people[post.to].zone
            ):
                self.disturbed += 1
                self.wrong.append(f"at a bad hour: {post}")
            if "rounds.send" in post.pressing:
                self._is_asked(place, post)

    def _is_asked(self, place: Place, post: Post) -> None:
        place.reference_model.advance(self.now)
        round_id = post.pressing["rounds.send"]
        one = self.rounds.get(round_id) or self._unnamed(place)
        if one is None:
            self.wrong.append(f"nobody should be asked: {post}")
            return
        self.rounds[round_id] = one
        after = GRID * place.dice.between(1, 4 * 44)
        chance = place.dice.below(100)
        if chance < ANSWER + SKIP:
            levels = {key: place.dice.between(1, 5) for key in KEYS if place.dice.chance(92)}
            given = levels if chance < ANSWER else {}
            self.later(self.now + after, partial(self._answers, place, one, post, given))

    def _unnamed(self, place: Place) -> Round | None:
        named = {id(one) for one in self.rounds.values()}
        found = [one for one in place.reference_model.rounds() if id(one) not in named]
        return found[-1] if found else None

    async def _answers(self, place: Place, one: Round, post: Post, given: dict[str, int]) -> None:
        """Send, or Skip where nothing is given."""
        place.reference_model.advance(self.now)
        if one not in place.reference_model.open_for(post.to):
            return
        speaks = given and post.to in one.members and place.dice.chance(REMARKS)
        remark = f"remark {next(self._numbers)} of mine" if speaks else ""
        await self.bot.click(pressed(post, given, remark, self.slack.url))
        self.answers += 1
        if given:
            one.answers[post.to] = given
            if remark:
                one.comments[post.to] = remark
        elif post.to in one.members:
            one.skipped.add(post.to)
        else:
            one.quiet_leads.add(post.to)

    # ------------------------------------------------------------ downtime

    async def _is_away(self, long: timedelta) -> None:
        """Nobody is there; people wait with what they wanted to do."""
        self.away.append((self.now, self.now + long))
        for place in self.places.values():
            place.reference_model.advance(self.now)
        await self.bot.do("away")
        self.now += long
        for place in self.places.values():
            oversleep(place.reference_model, self.now)
        await self.bot.do("back", at=self.now.isoformat())
        await adopt(self.places, self.bot)
        self._react()

    def _expect(self, right: bool, what: str) -> None:
        if not right:
            self.wrong.append(f"{self.now}: {what}")


def _on_grid(at: datetime) -> datetime:
    """The first quarter of an hour that is not earlier."""
    over = timedelta(minutes=at.minute % 15, seconds=at.second)
    return at if not over else at - over + GRID
