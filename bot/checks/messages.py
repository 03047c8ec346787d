"""Sentences about checks, for the weekly message, the form and the results. Pure."""

from bot.checks.model import AskedCheck, CheckAnswer, CheckKind
from bot.slack.mrkdwn import quote_within
from bot.slack.words import cut_to_words

QUESTIONS = {
    CheckKind.PROMISE: "Did it happen?",
    CheckKind.CONTINUE: "Should this go on as planned?",
    CheckKind.PROTECTED: "Was it kept?",
    CheckKind.SLIPPED: "Did anything slip that nobody chose to put on hold?",
    CheckKind.RECOVERY: "Is there room to recover?",
}
#: What people wrote, before the question about it.
ABOUT = {
    CheckKind.PROMISE: "Promised: “{text}” {question}",
    CheckKind.PROTECTED: "Protected: “{text}” {question}",
}
#: Where the text is deleted.
WITHOUT_TEXT = {
    CheckKind.PROMISE: "Did what was promised happen?",
    CheckKind.PROTECTED: "Was what is protected kept?",
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
OPTIONAL = "*One more, if you like.* {question}"
RESULT = "*One more question.* {question}\nThe team says: *{answer}*"
NO_RESULT = "*One more question.* {question}\nNot enough answers to keep everyone anonymous."
#: Words of what people wrote in the weekly message, which has few; characters elsewhere.
WORDS_SHOWN, TEXT_SHOWN = 16, 300


def question(check: AskedCheck, *, words: int | None = None) -> str:
    """Return the question as mrkdwn, with what it is about cut to this many words."""
    asked = QUESTIONS[check.kind]
    text = check.text if words is None else cut_to_words(check.text, words)
    if check.kind not in ABOUT:
        return asked
    if not text:
        return WITHOUT_TEXT[check.kind]
    return ABOUT[check.kind].format(text=quote_within(text, TEXT_SHOWN), question=asked)


def result_line(check: AskedCheck) -> str:
    """Return the question with the median answer, or that there were too few."""
    if check.outcome is None:
        return NO_RESULT.format(question=question(check))
    return RESULT.format(question=question(check), answer=ANSWERS[check.outcome].lower())
