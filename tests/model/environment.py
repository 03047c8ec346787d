"""Rules: time passes, people join and leave, Slack fails, the bot is stopped or killed."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from bot.playground.fake_slack.workspace_changes import EventDelivery
from bot.playground.server import FakeSlack
from tests.harness import ANA, CHIARA, DEV, EMI, GUEST, MEMBERS, OWNER
from tests.model.answers import somebody
from tests.model.base import Base
from tests.model.downtime import oversleep
from tests.model.leads import FAULTS, channels

#: Hours that pass in one step, up to three weeks.
HOURS_PASSED = (1, 3, 7, 16, 24, 25, 48, 72, 96, 168, 336, 504)
DOWNTIME_HOURS = (0.1, 1, 5, 13, 30, 70, 150, 400)
ZONES = (
    *("Asia/Kolkata", "Asia/Kathmandu", "Australia/Adelaide", "America/St_Johns", "Pacific/Apia"),
    *("Pacific/Pago_Pago", "America/Los_Angeles", "Europe/Lisbon", "Pacific/Kiritimati"),
)
METHODS = (
    *("chat.postMessage", "chat.postMessage", "chat.update", "pins.add", "pins.remove"),
    *("bookmarks.add", "bookmarks.remove", "conversations.history", "conversations.open"),
    *("conversations.members", "users.info", "response_url", "*"),
)
possible_channel_members = st.sampled_from((*MEMBERS, ANA, OWNER, GUEST))


class Environment(Base):
    @rule(count=st.sampled_from(HOURS_PASSED))
    def time_passes(self, count: int) -> None:
        self.advance(timedelta(hours=count))

    @rule(channel=channels, user=possible_channel_members)
    def goes(self, channel: str, user: str) -> None:
        self.world.apply_change(lambda slack: slack.leave(channel, user))
        self.reference_model.leave(channel, user)

    @rule(channel=channels, user=possible_channel_members)
    def comes(self, channel: str, user: str) -> None:
        self.world.clear_faults()
        self.world.apply_change(lambda slack: slack.join(channel, user))
        if user not in self.reference_model.inside[channel]:
            self.reference_model.join(channel, user)

    @rule(user=st.sampled_from([CHIARA, DEV, EMI]), closed=st.booleans())
    def account(self, user: str, closed: bool) -> None:
        self.world.apply_change(lambda slack: slack.change_user(user, deleted=closed))
        self.reference_model.people[user].is_closed = closed

    @rule(user=somebody, zone=st.sampled_from(ZONES))
    def moves(self, user: str, zone: str) -> None:
        self.world.apply_change(lambda slack: slack.set_tz(user, zone))
        self.reference_model.move(user, zone)

    @rule(
        method=st.sampled_from(METHODS),
        fault=st.sampled_from(FAULTS),
        times=st.integers(1, 3),
    )
    def slack_will_fail(self, method: str, fault: dict[str, Any], times: int) -> None:
        self.world.slack.faults.fail_next(method, times=times, **fault)

    @rule(times=st.integers(1, 4))
    def events_come_twice(self, times: int) -> None:
        self.world.slack.faults.duplicate_events(times)

    @rule(channel=channels, user=possible_channel_members)
    def an_acknowledgement_is_lost(self, channel: str, user: str) -> None:
        self.world.clear_faults()
        inside = user in self.reference_model.inside[channel]
        self.world.apply_change_with_lost_ack(
            lambda slack: (slack.leave if inside else slack.join)(channel, user)
        )
        (self.reference_model.leave if inside else self.reference_model.join)(channel, user)

    @rule(cut=st.booleans())
    def sockets_are_renewed(self, cut: bool) -> None:
        self.world.renew_sockets(cut=cut)

    @rule(calls=st.integers(0, 5), turns=st.integers(0, 60))
    def bot_is_killed(self, calls: int, turns: int) -> None:
        self.world.clear_faults()
        self.world.kill_bot_at_work(calls, turns)
        self.reference_model.advance(self.world.now)

    @rule(
        count=st.sampled_from(DOWNTIME_HOURS),
        channel=channels,
        leaver=st.none() | possible_channel_members,
    )
    def bot_is_away(self, count: float, channel: str, leaver: str | None) -> None:
        def meanwhile(slack: FakeSlack) -> EventDelivery:
            if leaver is None:
                return None
            self.reference_model.leave(channel, leaver)
            return slack.leave(channel, leaver)

        self.world.clear_faults()
        until = self.world.now + timedelta(hours=count)
        self.world.stop_bot_until(until, meanwhile)
        oversleep(self.reference_model, until)
