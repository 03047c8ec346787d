"""What is said of a closed round: to its leads at once, to the team a working day later.

Pure functions of facts. Signals, gaps and (unless the form chose otherwise) comments are for the
leads alone.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from slack_sdk.models.blocks import Block, InputBlock, PlainTextInputElement

from bot.results.chart import ChartFacts, Line, alt_text
from bot.results.facts import ClosedRound, Reflection, Showing, Shown
from bot.results.figures import Band, level_words, perception_gap
from bot.results.signals import Signal, signals
from bot.slack.content import (
    Content,
    Picture,
    actions,
    button,
    content,
    context,
    divider,
    picture_block,
    plain,
    section,
)
from bot.slack.mrkdwn import channel, instant, quote, truncated

SAVE_NOTE, NOTE = "results.save_note", "results.note"
NOTE_LIMIT = 1_000
SECTION = 3_000
COMMENTS_SHOWN, COMMENT_SHOWN = 20, 700

FIRST_LINE = "{name} in {channel}: what the team answered."
ANSWERED = "{answered} of {asked} people asked answered."
TOO_FEW = "Too few answers this time to show them without showing someone. They are not kept."
TOO_FEW_HERE = "*{label}*\nToo few answers to show."
LEVEL = "*{label}*\n{words}{change}\n{answers}"
UP, DOWN, SAME = ", up {by:g}", ", down {by:g}", ", as before"
SHARE = "{answers} answers, {high} of them 4 or 5"
BANDS = "{answers} answers: {bands}"
NOTE_LABEL = "What I heard, what changes"
NOTE_HINT = "The team reads this with your name, beside the results. Until then you can change it."
NOTE_EXAMPLE = "I heard that reviews pile up. From Monday we stop at two open ones each."
NOTE_SAVED = "Saved. You can change it until the team sees it."
TEAM_SEES = "The team sees these totals {when}, whatever is written here. Nobody can change them."
TEAM_SAW = "The team has seen these totals."
ONLY_YOU = "*Only the leads see this*"
GAP = "{label} {lead} said {mine:g}, the team's level is {team:g}."
COMMENTS = "*Comments, shuffled and without names*"
MORE_COMMENTS = "{count} more are not shown for want of room."
HEARD = "*What {name} heard, what changes*\n{note}"
NO_NOTE = "No note from {name} this week."
BESIDE = "*{name}'s own answers:* {answers}"
CANNOT_SAY = "can't say"
CHART_TITLE = "Results in {name}"


def to_leads(showing: Showing) -> Content:
    """For each lead, when the questions close; edited once the team has seen it."""
    shown = showing.round
    blocks: list[Block | dict[str, object]] = [*_head(showing), *_levels(shown)]
    picture = _picture(showing)
    if picture:
        blocks.append(picture_block(picture.alt_text))
    blocks += _private(showing)
    blocks += _comments(showing.comments)
    if shown.shown_at is None:
        blocks += [divider(), *_note_box(shown, showing.team_sees_at)]
    else:
        blocks.append(context(TEAM_SAW))
    return content(_first_line(showing), *blocks, picture=picture)


def to_team(showing: Showing) -> Content:
    """For the announcement's thread, whatever the lead wrote."""
    shown = showing.round
    blocks: list[Block | dict[str, object]] = [*_head(showing), *_levels(shown)]
    picture = _picture(showing)
    if picture:
        blocks.append(picture_block(picture.alt_text))
    blocks += [section(_beside(one, shown)) for one in showing.reflections if one.shared]
    if showing.phase.comments_to == "team":
        blocks += _comments(showing.comments)
    blocks.append(section(_note(showing)))
    return content(_first_line(showing), *blocks, picture=picture)


def private_signals(showing: Showing) -> tuple[Signal, ...]:
    """What the leads alone are told, from the shown figures and nothing finer."""
    clarity = [_level(one, "clarity") for one in showing.rounds]
    figures = [one.figure for one in showing.round.figures]
    gaps = perception_gap([one.answers for one in showing.reflections], figures)
    team = {figure.key: figure.level for figure in figures}
    return signals(clarity, team, gaps, showing.phase.weeks)


def note_block(round_id: str) -> str:
    """What the box is called: with its round, so that two weeks' notes do not mix."""
    return f"note:{round_id}"


def _first_line(showing: Showing) -> str:
    where = channel(showing.phase.channel_id)
    return FIRST_LINE.format(name=showing.round.name, channel=where)


def _head(showing: Showing) -> list[Block]:
    shown = showing.round
    first = f"*{_first_line(showing)}*"
    if shown.answered is None:
        return [section(f"{first}\n{TOO_FEW}")]
    answered = ANSWERED.format(answered=shown.answered, asked=shown.asked)
    return [section(f"{first}\n{answered}")]


def _levels(shown: ClosedRound) -> list[Block]:
    if shown.answered is None:
        return []
    by_key = {one.figure.key: one for one in shown.figures}
    return [
        section(_in_words(quote(label), by_key[key]))
        if key in by_key
        else section(TOO_FEW_HERE.format(label=quote(label)))
        for key, label in shown.labels.items()
    ]


def _in_words(label: str, one: Shown) -> str:
    figure = one.figure
    answers = (
        SHARE.format(answers=figure.answers, high=figure.share_high)
        if figure.bands is None
        else BANDS.format(answers=figure.answers, bands=_bands(figure.bands))
    )
    return LEVEL.format(
        label=label, words=figure.words, change=_change(one.change), answers=answers
    )


def _bands(bands: Sequence[Band]) -> str:
    parts = []
    for band in bands:
        levels = f"{band.first}" if band.first == band.last else f"{band.first} to {band.last}"
        parts.append(f"{band.answers} chose {levels}")
    return ", ".join(parts)


def _change(change: float | None) -> str:
    if change is None:
        return ""
    if change == 0:
        return SAME
    return (UP if change > 0 else DOWN).format(by=abs(change))


def _picture(showing: Showing) -> Picture | None:
    """The levels over the phase's rounds; none where nothing was ever shown."""
    rounds = showing.rounds
    if not showing.round.figures:
        return None
    facts = ChartFacts(
        rounds=tuple(one.name for one in rounds),
        lines=tuple(
            Line(label=label, levels=tuple(_level(one, key) for one in rounds))
            for key, label in showing.round.labels.items()
        ),
    )
    title = CHART_TITLE.format(name=showing.round.name)
    return Picture(facts=facts.as_json(), alt_text=alt_text(facts), title=title)


def _level(one: ClosedRound, key: str) -> float | None:
    figure = one.figure(key)
    return None if figure is None else figure.level


def _private(showing: Showing) -> list[Block]:
    lines = [*_gaps(showing), *(signal.text for signal in private_signals(showing))]
    return [section("\n".join([ONLY_YOU, *lines]))] if lines else []


def _gaps(showing: Showing) -> Iterable[str]:
    """Each lead's own answer beside the shown level."""
    for one in showing.round.figures:
        for reflection in showing.reflections:
            mine = reflection.answers.get(one.figure.key)
            if mine is not None:
                label = quote(showing.round.labels[one.figure.key])
                yield GAP.format(
                    label=label, lead=quote(reflection.name), mine=mine, team=one.figure.level
                )


def _comments(comments: Sequence[str]) -> list[Block]:
    if not comments:
        return []
    blocks: list[Block] = [section(COMMENTS)]
    for comment in comments[:COMMENTS_SHOWN]:
        blocks.append(section(_quoted(truncated(comment, COMMENT_SHOWN))))
    left = len(comments) - COMMENTS_SHOWN
    return [*blocks, context(MORE_COMMENTS.format(count=left))] if left > 0 else blocks


def _note_box(shown: ClosedRound, team_sees_at: datetime) -> list[Block]:
    box = InputBlock(
        block_id=note_block(shown.round_id),
        label=plain(NOTE_LABEL),
        hint=plain(NOTE_HINT),
        element=PlainTextInputElement(
            action_id=NOTE,
            multiline=True,
            max_length=NOTE_LIMIT,
            initial_value=shown.note or None,
            placeholder=plain(NOTE_EXAMPLE),
        ),
        optional=True,
    )
    sees = TEAM_SEES.format(when=instant(team_sees_at))
    said = f"{NOTE_SAVED} {sees}" if shown.note else sees
    return [box, actions(button("Save", SAVE_NOTE, shown.round_id, style="primary")), context(said)]


def _note(showing: Showing) -> str:
    name = showing.round.noted_by or " and ".join(showing.phase.lead_names)
    if not showing.round.note:
        return NO_NOTE.format(name=quote(name))
    return HEARD.format(name=quote(name), note=_quoted(showing.round.note))


def _beside(reflection: Reflection, shown: ClosedRound) -> str:
    answers = ", ".join(
        f"{quote(label)} {_said(key, reflection.answers.get(key))}"
        for key, label in shown.labels.items()
    )
    return BESIDE.format(name=quote(reflection.name), answers=answers)


def _said(key: str, level: int | None) -> str:
    return CANNOT_SAY if level is None else f"{level_words(key, level)} ({level})"


def _quoted(text: str) -> str:
    lines = "\n".join(f">{quote(line)}" for line in text.splitlines())
    return truncated(lines, SECTION - 200)
