"""The arguments of `python -m bot outbox`, in a module of their own to keep imports light."""

import argparse

STATES = ("pending", "sending", "sent", "unknown", "held", "failed", "expired")
DEFAULT_STATES = "held,failed,unknown"
DEFAULT_LIMIT = 100

ID = "a message's id, as `outbox list` prints it"


def add_outbox_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands of `outbox`; the chosen one is stored in `doing`."""
    subcommands = parser.add_subparsers(dest="doing", required=True, metavar="WHAT")
    list_ = subcommands.add_parser("list", help="messages that wait for somebody, and why")
    list_.add_argument(
        "--state", type=_states, default=_states(DEFAULT_STATES), metavar="STATE,..."
    )
    list_.add_argument("--workspace", metavar="T...", help="only of this workspace")
    list_.add_argument(
        "--limit",
        type=int,
        default=DEFAULT_LIMIT,
        help="at most so many, oldest first; of what is over, newest first",
    )
    list_.add_argument("--json", action="store_true", help="one JSON list instead of lines")
    retry = subcommands.add_parser("retry", help="post what is held or failed again")
    retry.add_argument("ids", nargs="+", metavar="ID", help=ID)
    retry.add_argument("--yes", action="store_true", help="even if it may then be seen twice")
    there = subcommands.add_parser("there", help="a held message was seen in Slack")
    there.add_argument("id", metavar="ID", help=ID)
    there.add_argument("link", metavar="LINK", help="its link: More actions, Copy link")
    drop = subcommands.add_parser("drop", help="never say it")
    drop.add_argument("ids", nargs="+", metavar="ID", help=ID)


def _states(text: str) -> tuple[str, ...]:
    states = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [state for state in states if state not in STATES]
    if unknown or not states:
        raise argparse.ArgumentTypeError(f"one or more of {', '.join(STATES)}")
    return states
