"""The arguments of `python -m bot outbox`; apart, so that nothing else is loaded to read them."""

import argparse

STATES = ("pending", "sending", "sent", "unknown", "held", "failed", "expired")
LOOKED_AT = "held,failed,unknown"
MOST = 100

ID = "a message's id, as `outbox list` prints it"


def outbox(parser: argparse.ArgumentParser) -> None:
    """What can be done with messages; the name of it ends up in `doing`."""
    doings = parser.add_subparsers(dest="doing", required=True, metavar="WHAT")
    seen = doings.add_parser("list", help="messages that wait for somebody, and why")
    seen.add_argument("--state", type=_states, default=_states(LOOKED_AT), metavar="STATE,...")
    seen.add_argument("--workspace", metavar="T...", help="only of this workspace")
    seen.add_argument(
        "--limit",
        type=int,
        default=MOST,
        help="at most so many, oldest first; of what is over, newest first",
    )
    seen.add_argument("--json", action="store_true", help="one JSON list instead of lines")
    again = doings.add_parser("retry", help="post what is held or failed again")
    again.add_argument("ids", nargs="+", metavar="ID", help=ID)
    again.add_argument("--yes", action="store_true", help="even if it may then be seen twice")
    there = doings.add_parser("there", help="a held message was seen in Slack")
    there.add_argument("id", metavar="ID", help=ID)
    there.add_argument("link", metavar="LINK", help="its link: More actions, Copy link")
    dropped = doings.add_parser("drop", help="never say it")
    dropped.add_argument("ids", nargs="+", metavar="ID", help=ID)


def _states(written: str) -> tuple[str, ...]:
    states = tuple(part.strip() for part in written.split(",") if part.strip())
    unknown = [state for state in states if state not in STATES]
    if unknown or not states:
        raise argparse.ArgumentTypeError(f"one or more of {', '.join(STATES)}")
    return states
