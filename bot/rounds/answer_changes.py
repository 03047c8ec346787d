"""A person's answers in a round, and every way to change them: each keeps what it does not name.

Pure. The answers are read, changed and stored in one transaction, so the last change wins.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True)
class AnswerInput:
    """One person's answers: a level per question, None for "can't say"; no key: not answered.

    The answer to the check is one of them, with the levels of `bot.checks.model.LEVELS`.
    """

    answers: Mapping[str, int | None] = field(default_factory=dict)
    comment: str = ""
    shared: bool = False  # leads only: the team sees these answers beside its totals
    is_skipped: bool = False

    @property
    def has_answer(self) -> bool:
        return any(level is not None for level in self.answers.values())

    @property
    def progress(self) -> "Progress":
        return Progress(answered=frozenset(self.answers), is_skipped=self.is_skipped)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What a message may show of a person's answers: which questions have one, never which."""

    answered: frozenset[str] = frozenset()
    is_skipped: bool = False


NOTHING_YET = Progress()


@dataclass(frozen=True, kw_only=True)
class Tap:
    """One of the buttons under a question, or under the check."""

    key: str
    level: int | None  # None: "can't say", of the check only

    def apply(self, earlier: AnswerInput) -> AnswerInput:
        answers = {**earlier.answers, self.key: self.level}
        return replace(earlier, answers=answers, is_skipped=False)


@dataclass(frozen=True, kw_only=True)
class FormInput:
    """The form for changing answers, which holds all of them."""

    given: AnswerInput

    def apply(self, earlier: AnswerInput) -> AnswerInput:
        given = self.given
        return replace(
            earlier,
            answers=given.answers,
            comment=given.comment,
            shared=given.shared,
            is_skipped=False,
        )


@dataclass(frozen=True, kw_only=True)
class CommentInput:
    """A member's comment."""

    comment: str

    def apply(self, earlier: AnswerInput) -> AnswerInput:
        return replace(earlier, comment=self.comment)


@dataclass(frozen=True, kw_only=True)
class SharingInput:
    """A lead's choice whether the team sees their answers."""

    shared: bool

    def apply(self, earlier: AnswerInput) -> AnswerInput:
        return replace(earlier, shared=self.shared)


@dataclass(frozen=True, kw_only=True)
class Skip:
    """*Skip This Week*, which stops the reminder and keeps what was answered before."""

    def apply(self, earlier: AnswerInput) -> AnswerInput:
        return replace(earlier, is_skipped=True)


AnswerChange: TypeAlias = Tap | FormInput | CommentInput | SharingInput | Skip
