"""Answering as tests do: all questions at once with the form, or a skip."""

from bot.rounds import answering
from bot.rounds.answer_changes import AnswerInput, FormInput, Skip
from bot.services import Services
from bot.slack.content import Content
from bot.slack.request import Request


async def answer(services: Services, request: Request, given: AnswerInput) -> Content:
    """Send these answers; return the message pressed in, as it is then."""
    return (await answering.change(services, request, FormInput(given=given))).content


async def skip(services: Services, request: Request) -> Content:
    """Skip; return the message pressed in, as it is then."""
    return (await answering.change(services, request, Skip())).content
