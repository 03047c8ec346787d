"""Every command by everyone, in every state of a channel: the sentence that fits who asks.

Each row is a person, the words typed after `/imbalance`, and what they get: the whole text of the
reply or, in brackets, the title of the form that opens.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import update

from bot.db import schema
from tests.harness import ANA, BEN, FINN, GUEST, LAUNCH, OWNER, BotHarness
from tests.scenarios.lead import Lead

Row = tuple[str, str, str]

OVER = datetime(2026, 12, 7, 17, 1, tzinfo=UTC)
NOTHING = "No phase is running in this channel."
ENDED = f"The phase in <#{LAUNCH}> ended on Mon 7 Dec."
START = "`/imbalance start` begins one, and shows a preview before anything is posted."
START_NEXT = "`/imbalance start` begins a new one, with a promise of its own."
ASK_MEMBER = (
    "Guests and people from other organizations can't start a phase. Ask a full member of this "
    "workspace to start it."
)
ASK_FINN = "In this workspace, phases are started by Finn. Ask them to start yours."
LEADS_ONLY = "Only this phase's leads and workspace admins can do this. Talk to Ana."
NO_GUESTS = "Guests and people from other organizations can't do this. Talk to Ana, who can."
RUNS = "A results sprint led by Ana is running here until Mon 7 Dec. One at a time keeps it clear:"
UNREAD_EXTENSION = (
    "I can't read “{typed}” as a new end. Type `/imbalance extend 1w`, or just "
    "`/imbalance extend` and pick the day in the form."
)
#: Before the first phase, and after one that was wrapped up.
WITHOUT_A_PHASE: Sequence[Row] = (
    (BEN, "start", "[Is this the moment?]"),
    (GUEST, "start", ASK_MEMBER),
    *((BEN, words, f"{NOTHING} {START}") for words in ("end", "extend", "poll")),
    *((OWNER, words, f"{NOTHING} {START}") for words in ("end", "extend 1w", "poll")),
    *((GUEST, words, f"{NOTHING} {ASK_MEMBER}") for words in ("end", "extend", "poll")),
    (BEN, "status", NOTHING),
    (GUEST, "budget", "Results sprints in this channel"),
    (GUEST, "settings", "The settings of this workspace"),
    (BEN, "settings", "The settings of this workspace"),
    (OWNER, "settings", "[Settings]"),
    (GUEST, "help", "What Imbalance can do here"),
)
WHILE_RUNNING: Sequence[Row] = (
    *((BEN, words, LEADS_ONLY) for words in ("end", "extend", "extend 1w", "poll")),
    *((GUEST, words, NO_GUESTS) for words in ("end", "extend", "poll")),
    *((user_id, "end", "[Wrap Up]") for user_id in (ANA, OWNER)),
    *((user_id, "extend", "[Extend]") for user_id in (ANA, OWNER)),
    (BEN, "start", f"{RUNS} talk to Ana about what should come next."),
    (GUEST, "start", ASK_MEMBER),
    *(
        (
            ANA,
            f"{name} tomorrow",
            f"`/imbalance {name}` takes nothing after it. Type only that.",
        )
        for name in ("end", "poll")
    ),
    (ANA, "extend 1w", "[Extend]"),
    (ANA, "extend banana", UNREAD_EXTENSION.format(typed="banana")),
    (ANA, "extend results 1w", UNREAD_EXTENSION.format(typed="results 1w")),
    (
        ANA,
        "extend 3 dyas",
        "I can't read “dyas”. Did you mean `/imbalance extend 3 days`? If not, type just "
        "`/imbalance extend` and pick the day in the form.",
    ),
    (
        ANA,
        "extend until 2025-12-01",
        "Mon 1 Dec 2025 isn't after the current end, Mon 7 Dec. Pick a day up to Mon 14 Dec.",
    ),
    (
        ANA,
        "extend 8w",
        "I read that as Mon 1 Feb 2027. That's too long: a phase can be extended by half its "
        "original length. Pick a day up to Mon 14 Dec.",
    ),
)
AFTER_THE_END: Sequence[Row] = (
    *((user_id, "extend", f"{ENDED} {START_NEXT}") for user_id in (ANA, BEN, OWNER)),
    (GUEST, "extend", f"{ENDED} {ASK_MEMBER}"),
    (ANA, "end", "[Wrap Up]"),
    (BEN, "end", LEADS_ONLY),
    (GUEST, "end", NO_GUESTS),
    (ANA, "poll", f"{NOTHING} {START}"),
)
AFTER_THE_WRAP_UP: Sequence[Row] = (
    *((user_id, "end", f"{ENDED} {START_NEXT}") for user_id in (ANA, BEN)),
    (GUEST, "end", f"{ENDED} {ASK_MEMBER}"),
    (ANA, "extend", f"{ENDED} {START_NEXT}"),
)
WHERE_FINN_STARTS_PHASES: Sequence[Row] = (
    (FINN, "start", "[Is this the moment?]"),
    (OWNER, "start", "[Is this the moment?]"),
    *(
        (BEN, words, ASK_FINN)
        for words in ("start", "start banana", "start results until 2025-1-1")
    ),
    *((BEN, words, f"{NOTHING} {ASK_FINN}") for words in ("end", "extend", "poll")),
    (GUEST, "start", ASK_MEMBER),
)
MILESTONE = (
    "“{typed}” is neither a kind of phase, `results` or `trust`, nor an end, such as `2w`. If it's "
    "the milestone, type it after the kind: `/imbalance start results {typed}`."
)
MEANT = (
    "I can't read “{typed}”. Did you mean `/imbalance start {words}`? If not, type just "
    "`/imbalance start` and fill in the form."
)
MISTYPED_START: Sequence[tuple[str, str]] = (
    ("banana", MILESTONE.format(typed="banana")),
    ("<!channel>", MILESTONE.format(typed="&lt;!channel&gt;")),
    ("resluts", MEANT.format(typed="resluts", words="results")),
    ("trsut 2w Meet", MEANT.format(typed="trsut", words="trust 2w Meet")),
    ("results 2 wekks Ship it", MEANT.format(typed="wekks", words="results 2 weeks Ship it")),
    ("results 2wekks", MEANT.format(typed="2wekks", words="results 2 weeks")),
    ("results untill 4 Dec", MEANT.format(typed="untill", words="results until 4 Dec")),
    ("results until Firday", MEANT.format(typed="Firday", words="results until friday")),
    ("results until 4 Decembr", MEANT.format(typed="Decembr", words="results until 4 december")),
    ("resluts 2 wekks", MEANT.format(typed="resluts", words="results 2 weeks")),
    ("results 0d", "Mon 23 Nov isn't after today. Pick a later day."),
    ("results until 2026-11-20", "Fri 20 Nov isn't after today. Pick a later day."),
    ("results until 2025-11-20", "Thu 20 Nov 2025 isn't after today. Pick a later day."),
    (
        "results until 20 Nov",
        "I read that as Sat 20 Nov 2027. That's too long: sprints here last at most 6 weeks. Pick "
        "a date by Mon 4 Jan 2027.",
    ),
    (
        "trust 9999w",
        "I read that as Mon 13 Jul 2218. That's too long: trust-building phases here last at most "
        "12 weeks. Pick a date by Mon 15 Feb 2027.",
    ),
)


#: Slack refuses spaces alone, but takes this for text.
INVISIBLE = "\u200b"
#: A form that a person opens, what they leave blank in it, and the sentence beside the field.
BLANKS: Sequence[tuple[str, str, dict[str, str], str]] = (
    (
        ANA,
        "/imbalance extend",
        {"reason": INVISIBLE},
        "The channel should know why it takes longer. Write one sentence.",
    ),
    (
        ANA,
        "/imbalance end",
        {"outcome": INVISIBLE, "milestone_outcome": "hit"},
        "Say in a sentence what came of it. The channel reads it.",
    ),
    (
        OWNER,
        "/imbalance settings",
        {"default_zone": INVISIBLE},
        "No time zone has this name. Type one such as Europe/Lisbon, or UTC.",
    ),
    (
        BEN,
        "phase.concern",
        {"phase.concern.text": INVISIBLE},
        "This is still empty. Write what worries you, or close the form.",
    ),
)


async def outcome(harness: BotHarness, user_id: str, words: str) -> str:
    """Type the command; return its reply or the title of the form that it opened, in brackets."""
    person = Lead(harness, user_id)
    answer = await person.me.command(f"/imbalance {words}", LAUNCH)
    page = person.page
    if page:
        await person.me.close(everything=True)
    return answer.text or f"[{page}]"


async def assert_outcomes(harness: BotHarness, rows: Sequence[Row]) -> None:
    told = {(user_id, words): told for user_id, words, told in rows}
    assert {row: await outcome(harness, *row) for row in told} == told


async def test_commands_without_a_phase(harness: BotHarness) -> None:
    await harness.settle()
    await assert_outcomes(harness, WITHOUT_A_PHASE)


async def test_commands_while_a_phase_runs(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.close()
    await assert_outcomes(harness, WHILE_RUNNING)


async def test_commands_after_the_end_and_after_the_wrap_up(harness: BotHarness, ana: Lead) -> None:
    await ana.starts()
    await ana.me.close()
    await harness.travel_to(OVER)
    await assert_outcomes(harness, AFTER_THE_END)

    await ana.me.command("/imbalance end", LAUNCH)
    await ana.sends(milestone_outcome="hit", outcome="Beta is out.")
    await ana.me.close()
    await assert_outcomes(harness, AFTER_THE_WRAP_UP)


async def test_commands_where_only_some_may_start_phases(harness: BotHarness) -> None:
    await harness.settle()
    async with harness.bot.db.transaction() as tx:
        await tx.execute(update(schema.workspaces).values(settings={"starters": [FINN]}))
    await assert_outcomes(harness, WHERE_FINN_STARTS_PHASES)


async def test_mistyped_or_impossible_start_says_what_to_type(harness: BotHarness) -> None:
    await harness.settle()
    rows = [(ANA, f"start {words}", told) for words, told in MISTYPED_START]
    await assert_outcomes(harness, rows)


async def test_blank_answer_says_beside_its_field_what_is_missing(
    harness: BotHarness, ana: Lead
) -> None:
    await ana.starts()
    await ana.me.close()
    for user_id, opens, blank, told in BLANKS:
        person = Lead(harness, user_id)
        if opens.startswith("/"):
            await person.me.command(opens, LAUNCH)
        else:
            await person.me.click(opens)
        field = next(iter(blank))
        assert await person.sends(**blank) == {field: told}
        await person.me.close()
