"""Sentences about checks, for the weekly message, the form and the results. Pure."""

from bot.checks.model import AskedCheck, CheckAnswer, CheckKind
from bot.phases.wording import one_line
from bot.slack.mrkdwn import quote_within
from bot.slack.words import cut_to_words

QUESTIONS = {
    CheckKind.PROMISE: "Did this happen?",
    CheckKind.CONTINUE: "Should this go on as planned?",
    CheckKind.PROTECTED: "Was this protected?",
    CheckKind.SLIPPED: "Did anything not on hold slip?",
    CheckKind.RECOVERY: "Is there room to recover?",
}
#: Followed by what people wrote, which is asked about.
WITH_TEXT = "{question} “{text}”"
#: Where their text is deleted, or does not fit.
WITHOUT_TEXT = {
    CheckKind.PROMISE: "Did the promise happen?",
    CheckKind.PROTECTED: "Was what's protected kept?",
}
LABELS = {
    CheckKind.PROMISE: "The promise",
    CheckKind.CONTINUE: "Going on as planned",
    CheckKind.PROTECTED: "What's protected",
    CheckKind.SLIPPED: "What slipped",
    CheckKind.RECOVERY: "Room to recover",
}
ANSWERS = {
    CheckAnswer.YES: "Yes",
    CheckAnswer.PARTLY: "Partly",
    CheckAnswer.NO: "No",
    CheckAnswer.CANNOT_SAY: "Can't say",
}
BUTTONS = {**ANSWERS, CheckAnswer.CANNOT_SAY: "Can't Say"}
OPTIONAL = "*Optional:* {question}"
RESULT = "{question} *{answer}*, said the team."
#: Limits of what people wrote, in words and in characters. With fewer words it says too little.
WORDS_SHOWN, TEXT_SHOWN = 20, 300
LEAST_WORDS = 3


def question(check: AskedCheck, *, words: int = WORDS_SHOWN) -> str:
    """Return the question as mrkdwn, with what people wrote cut to this many words.

    With fewer than `LEAST_WORDS` it is asked without their text.
    """
    asked = QUESTIONS[check.kind]
    if check.kind not in WITHOUT_TEXT:
        return asked
    if not check.text or words < LEAST_WORDS:
        return WITHOUT_TEXT[check.kind]
    text = cut_to_words(one_line(check.text), min(words, WORDS_SHOWN))
    return WITH_TEXT.format(question=asked, text=quote_within(text, TEXT_SHOWN))


def result_line(check: AskedCheck) -> str | None:
    """Return the question with the median answer; None where too few answered."""
    if check.outcome is None:
        return None
    return RESULT.format(question=question(check), answer=ANSWERS[check.outcome])
