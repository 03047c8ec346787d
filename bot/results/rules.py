"""Whether a channel is shown the results, or only those who open the thread. Pure."""

from datetime import date, timedelta

#: The channel is interrupted at most this often, however many rounds are shown.
BROADCAST_EVERY = timedelta(days=7)


def reaches_channel(*, team: int, people: int, today: date, last: date | None) -> bool:
    """Return whether the results are also shown in the channel.

    `team` of the `people` in the channel are in the phase; `last` is the day of the channel's last
    such results, in the same zone as `today`, None if there were none.
    """
    is_rare_enough = last is None or today - last >= BROADCAST_EVERY
    return is_rare_enough and 2 * team >= people > 0
