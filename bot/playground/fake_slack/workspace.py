"""The state of the workspace: people, conversations, and open views."""

from collections.abc import Iterator
from datetime import datetime

from bot.playground.fake_slack import example_workspace
from bot.playground.fake_slack.ids import Ids
from bot.playground.fake_slack.model import Conversation, File, Json, Typed, User, View


class Workspace:
    """All state of the fake Slack, changed by the Web API and by people."""

    def __init__(self, ids: Ids) -> None:
        self.ids = ids
        self.users: dict[str, User] = {}
        self.conversations: dict[str, Conversation] = {}
        self.views: dict[str, View] = {}
        self.stacks: dict[str, list[str]] = {}  # ids of the open modals by user id, top last
        self.homes: dict[str, str] = {}  # id of the home view, by user id
        self.files: dict[str, File] = {}
        self.contents: dict[str, bytes] = {}  # by file id
        self.typed: dict[tuple[str, str, str], Typed] = {}  # by user id, channel id, ts
        self.reset()

    def reset(self) -> None:
        """Restore the initial people and channels, without messages."""
        self.empty()
        created = self.ids.now_seconds()
        for user in example_workspace.people():
            user.updated = created
            self.users[user.id] = user
        for channel in example_workspace.channels():
            channel.created = created
            self.conversations[channel.id] = channel

    def empty(self) -> None:
        for part in (self.users, self.conversations, self.views, self.stacks, self.homes):
            part.clear()
        for rest in (self.files, self.contents, self.typed):
            rest.clear()

    @property
    def bot(self) -> User:
        return self.users[example_workspace.BOT_USER_ID]

    @property
    def created(self) -> int:
        """Return when it was last reset, in Unix seconds."""
        return min(channel.created for channel in self.conversations.values())

    # ------------------------------------------------------------ conversations

    def visible_to(self, user_id: str) -> Iterator[Conversation]:
        """Yield what a person can see: their conversations, and public channels they may join."""
        user = self.users[user_id]
        inside = not user.is_restricted and example_workspace.is_colleague(user)
        for conversation in self.conversations.values():
            public = conversation.kind == "channel" and inside
            if public or user_id in conversation.members:
                yield conversation

    def open_direct_message(self, one: str, other: str) -> Conversation:
        """Return the direct message of two people, opening it if needed."""
        existing = self.direct_if_open(one, other)
        if existing is not None:
            return existing
        opened = Conversation(
            id=self.ids.new("D"),
            name="",
            creator=one,
            members=[one, other],
            created=self.ids.now_seconds(),
            is_im=True,
            is_private=True,
        )
        self.conversations[opened.id] = opened
        return opened

    def open_group_message(self, user_ids: list[str]) -> Conversation:
        """Open a group direct message of people, without the app."""
        handles = "--".join(self.users[user_id].name for user_id in user_ids)
        opened = Conversation(
            id=self.ids.new("C"),
            name=f"mpdm-{handles}-1",
            creator=user_ids[0],
            members=list(user_ids),
            created=self.ids.now_seconds(),
            is_mpim=True,
            is_private=True,
        )
        self.conversations[opened.id] = opened
        return opened

    def direct_if_open(self, one: str, other: str) -> Conversation | None:
        return next(
            (
                conversation
                for conversation in self.conversations.values()
                if conversation.is_im and set(conversation.members) == {one, other}
            ),
            None,
        )

    def messages(self, channel_id: str) -> list[Json]:
        """Return all messages of a conversation, threads included, oldest first."""
        return list(self.conversations[channel_id].messages.values())

    def replies(self, conversation: Conversation, thread_ts: str) -> list[Json]:
        """Return the replies to a message, without the message itself, oldest first."""
        return [
            message
            for message in conversation.messages.values()
            if message.get("thread_ts") == thread_ts and message["ts"] != thread_ts
        ]

    def thread_of(self, conversation: Conversation, message: Json) -> Json:
        """Return the fields that Slack adds to a message with replies."""
        replies = self.replies(conversation, message["ts"])
        if not replies:
            return {}
        return {
            "thread_ts": message["ts"],
            "reply_count": len(replies),
            "reply_users": list(dict.fromkeys(reply["user"] for reply in replies)),
            "latest_reply": replies[-1]["ts"],
        }

    def pins(self, channel_id: str) -> list[str]:
        return [str(pin["ts"]) for pin in self.conversations[channel_id].pins]

    def bookmarks(self, channel_id: str) -> list[Json]:
        return list(self.conversations[channel_id].bookmarks)

    # ------------------------------------------------------------ views

    def stack_of(self, user_id: str) -> list[View]:
        """Return a person's open modals, top last."""
        return [self.views[view_id] for view_id in self.stacks.get(user_id, [])]

    def top_of(self, user_id: str) -> View | None:
        return next(reversed(self.stack_of(user_id)), None)

    def home_of(self, user_id: str) -> View | None:
        view_id = self.homes.get(user_id)
        return self.views[view_id] if view_id else None

    # ------------------------------------------------------------ input

    def typed_in(self, user_id: str, container: Json) -> Typed:
        """Return a person's current input in a message or view, as a mutable object."""
        if container["type"] == "view":
            view = self.views.get(container["view_id"])
            return view.typed if view is not None else {}
        key = (user_id, container["channel_id"], container["message_ts"])
        return self.typed.setdefault(key, {})

    def now(self) -> datetime:
        """Return business time."""
        return self.ids.now()
