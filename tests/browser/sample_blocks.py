"""Blocks of the sample app: every block, menu and input that the page can draw."""

from typing import Any

FORM, SECOND, ASK_SEND, HOME_ADD = "sample_form", "sample_second", "ask_send", "home_add"


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": True}


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def section(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": mrkdwn(text), **more}


def option(text: str, value: str, **more: Any) -> dict[str, Any]:
    return {"text": plain(text), "value": value, **more}


def button(text: str, action_id: str, **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain(text), "action_id": action_id, **more}


def input_block(block_id: str, label: str, element: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": {"action_id": "value", **element},
        **more,
    }


def form(note: str = "", more_rows: int = 0) -> dict[str, Any]:
    """Return a modal with every kind of input."""
    blocks = [
        section(note or "Who, what, and until when."),
        input_block(
            "what",
            "What is it for?",
            {
                "type": "plain_text_input",
                "max_length": 60,
                "placeholder": plain("Ship the beta to two customers"),
            },
        ),
        input_block("until", "Until when?", {"type": "datepicker"}, optional=True),
        input_block("lead", "Who leads?", {"type": "users_select"}),
        input_block("team", "Who takes part?", {"type": "multi_users_select"}, optional=True),
        input_block(
            "kind",
            "Which kind?",
            {
                "type": "radio_buttons",
                "options": [option("Results sprint", "results"), option("Trust-building", "trust")],
            },
            hint=plain("One of the two comes first, on purpose."),
        ),
        *[
            input_block(f"row_{row}", f"What can wait ({row})", {"type": "plain_text_input"})
            for row in range(1, more_rows + 1)
        ],
        {"type": "actions", "block_id": "rows", "elements": [button("Add another", "add_row")]},
    ]
    return {
        "type": "modal",
        "callback_id": FORM,
        "title": plain("Try a form"),
        "submit": plain("Next"),
        "private_metadata": str(more_rows),
        "notify_on_close": True,
        "blocks": blocks,
    }


def second() -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": SECOND,
        "title": plain("And a second page"),
        "submit": plain("Done"),
        "close": plain("Back"),
        "blocks": [
            section("*Preview* of what everybody will read."),
            input_block("sure", "Any last word?", {"type": "plain_text_input", "multiline": True},
                  optional=True),
        ],
    }  # fmt: skip


MENU = [option("One", "1"), option("Two", "2", description=plain("a pair")), option("Three", "3")]


def gallery() -> list[dict[str, Any]]:
    """Return a message with one block of each kind."""
    return [*text_blocks(), button_blocks(), *select_blocks(), *input_blocks(), rich()]


def text_blocks() -> list[dict[str, Any]]:
    return [
        {"type": "header", "text": plain("Gallery :checkered_flag:")},
        section(
            "*bold* _italic_ ~struck~ `code` <@U0BEN> <#C0LAUNCH> <!here> :seedling:\n"
            "> a quote, 1 &lt; 2 &amp; 3\n```a = 1\nb = 2```\n"
            "<https://example.com|a link> until <!date^1766061000^{date_short_pretty} at {time}|x>",
            accessory={"type": "overflow", "action_id": "over", "options": MENU},
        ),
        {"type": "divider"},
        {"type": "section", "fields": [mrkdwn("*Left*\n14 days"), mrkdwn("*Led by*\nAna")]},
        {"type": "context", "elements": [mrkdwn("Small print for *everybody*.")]},
    ]


def button_blocks() -> dict[str, Any]:
    sure = {
        "title": plain("Are you sure?"),
        "text": mrkdwn("It *cannot* be undone."),
        "confirm": plain("Delete it"),
        "deny": plain("Keep it"),
        "style": "danger",
    }
    buttons = [
        button("Plain", "plain"),
        button("Primary", "primary", style="primary"),
        button("Delete", "delete", style="danger", confirm=sure),
        button("Link", "link", url="https://example.com/"),
    ]
    return {"type": "actions", "block_id": "press", "elements": buttons}


def select_blocks() -> list[dict[str, Any]]:
    def beside(text: str, block_id: str, **menu: Any) -> dict[str, Any]:
        return section(text, block_id=block_id, accessory=menu)

    return [
        beside("One of them", "one", type="static_select", action_id="pick", options=MENU),
        beside("Several", "many", type="multi_static_select", action_id="picks", options=MENU),
        beside("A channel", "chan", type="channels_select", action_id="channel"),
        beside("Anybody", "conv", type="conversations_select", action_id="conversation"),
        beside("Some", "ticks", type="checkboxes", action_id="boxes", options=MENU[:2]),
    ]


def input_blocks() -> list[dict[str, Any]]:
    times = [
        {"type": "datepicker", "action_id": "day", "initial_date": "2026-12-18"},
        {"type": "timepicker", "action_id": "time", "initial_time": "10:00"},
        {"type": "datetimepicker", "action_id": "moment", "initial_date_time": 1766061000},
    ]
    return [
        {"type": "actions", "block_id": "times", "elements": times},
        input_block("number", "How many?", {"type": "number_input", "is_decimal_allowed": False}),
    ]


def rich() -> dict[str, Any]:
    def line(*leaves: dict[str, Any]) -> dict[str, Any]:
        return {"type": "rich_text_section", "elements": list(leaves)}

    items = [line({"type": "text", "text": text}) for text in ("first", "second")]
    sentence = line(
        {"type": "text", "text": "Rich ", "style": {"bold": True}},
        {"type": "user", "user_id": "U0CHI"},
        {"type": "emoji", "name": "tada"},
    )
    bullets = {"type": "rich_text_list", "style": "bullet", "elements": items}
    return {"type": "rich_text", "elements": [sentence, bullets]}


def questions(edited: str = "") -> list[dict[str, Any]]:
    """Return a message with inputs, like the weekly questions."""
    levels = ["1 · Unclear", "2", "3 · One without the other", "4", "5 · Clear"]
    return [
        section(f"*Three questions, about 20 seconds*\n{edited or 'Totals only.'}"),
        input_block(
            "clarity",
            "Clear and doable?",
            {
                "type": "radio_buttons",
                "options": [option(text, str(at)) for at, text in enumerate(levels, start=1)],
            },
            optional=True,
        ),
        input_block(
            "comment",
            "Anything to add?",
            {"type": "plain_text_input", "multiline": True, "max_length": 1000},
            hint=plain("Ana reads this without your name."),
            optional=True,
        ),
        {
            "type": "actions",
            "block_id": "ask_buttons",
            "elements": [button("Send", ASK_SEND, style="primary"), button("Skip", "ask_skip")],
        },
    ]


def home(added: int = 0) -> dict[str, Any]:
    return {
        "type": "home",
        "blocks": [
            {"type": "header", "text": plain("Your open questions")},
            section(f"Pressed {added} times."),
            input_block(
                "home_note",
                "A note",
                {"type": "plain_text_input", "max_length": 200},
                optional=True,
            ),
            {"type": "actions", "block_id": "home_row", "elements": [button("Add", HOME_ADD)]},
        ],
    }
