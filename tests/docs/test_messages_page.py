"""docs/messages.md lists every kind of message with the text that the snapshots have."""

from bot.outbox.keys import MessageKind
from tests.docs.message_pages import GROUPS, PAGE, page


def test_every_kind_of_message_is_listed_once():
    listed = [kind for messages in GROUPS.values() for one in messages for kind in one.kinds]

    assert sorted(listed) == sorted(MessageKind)


def test_page_has_the_texts_of_the_snapshots():
    assert PAGE.read_text(encoding="utf-8") == page(), "`make snapshots` renews the page"
