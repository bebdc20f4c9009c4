"""One question from the page: checked before any work, answered within a time limit, never a traceback on the page."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

from assistant.settings import AnswerSettings
from assistant.types import Answer, Outcome, Question
from assistant.web.protocols import AnswersQuestions, PageSource
from assistant.web.texts import words
from assistant.web.turns import empty_html, message_html, turn_html
from index.errors import PilotError
from index.language import detect, visible

logger = logging.getLogger(__name__)

HISTORY_TURNS = 8
"""Earlier questions that a follow-up may refer to; older ones are forgotten."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows at one moment.

    Attributes:
        html: The turn.
        history: Questions so far, as the page keeps them; None leaves them as they are.
        keep_text: Whether the question stays in the box, to be mended.
    """

    html: str
    history: str | None = None
    keep_text: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """Takes questions from the page: who answers, where quotes stand, and the limits."""

    assistant: AnswersQuestions
    pages: PageSource
    answer: AnswerSettings
    timeout_s: float

    async def take(self, text: str, history: str) -> AsyncIterator[Shown]:
        """What the page shows, as it grows; the last value is complete.

        Args:
            text: The words as typed; checked here, since the browser's own limit can be passed by.
            history: The questions so far, as `Shown.history` gave them; anything else counts as none.
        """
        turn_id = "t" + secrets.token_hex(4)
        refusal = self._refusal(text, turn_id)
        if refusal:
            yield refusal
            return
        asked = read_history(history, self.answer.question_chars)
        question = Question(text.strip(), history=asked)
        answer = self._failed(question, words(detect(question.text)).failed)
        async for answer in self._answers(question):
            yield Shown(turn_html(answer, self.pages, turn_id=turn_id, done=False))
        yield self._complete(answer, asked, turn_id)

    async def _answers(self, question: Question) -> AsyncIterator[Answer]:
        """The growing answer; whatever breaks or takes too long ends in an answer that says so."""
        w = words(detect(question.text))
        deadline = asyncio.get_running_loop().time() + self.timeout_s
        stream = self.assistant.astream(question)
        try:
            while True:
                async with asyncio.timeout_at(deadline):
                    answer = await anext(stream, None)
                if answer is None:
                    return
                yield answer
        except TimeoutError:
            logger.warning("Question ended after %.0f s", self.timeout_s)
            yield self._failed(question, w.timed_out.format(seconds=round(self.timeout_s)))
        except PilotError as error:
            logger.error("Question not answered: %s", error)
            yield self._failed(question, w.failed)
        except Exception:
            logger.exception("Question not answered")
            yield self._failed(question, w.failed)
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()

    def _complete(self, answer: Answer, asked: tuple[str, ...], turn_id: str) -> Shown:
        history = json.dumps([*asked, answer.question][-HISTORY_TURNS:], ensure_ascii=False)
        html = turn_html(answer, self.pages, turn_id=turn_id, done=True)
        return Shown(html, history=history)

    def _refusal(self, text: str, turn_id: str) -> Shown | None:
        limit = self.answer.question_chars
        if len(text) > limit:
            w = words(detect(text[:limit]))
            body = w.too_long.format(got=len(text), limit=limit)
            html = message_html(w, turn_id=turn_id, title=w.too_long_title, body=body)
            return Shown(html, keep_text=True)
        if not visible(text).strip():
            return Shown(empty_html(turn_id), keep_text=True)
        return None

    def _failed(self, question: Question, message: str) -> Answer:
        return Answer(Outcome.UNAVAILABLE, detect(question.text), question.text, question.text, message=message)


def read_history(text: str, question_chars: int) -> tuple[str, ...]:
    """The last questions of a history as the page keeps it, oldest first; none where it is no list of questions."""
    try:
        found = json.loads(text or "[]")
    except (json.JSONDecodeError, RecursionError):
        return ()
    if not isinstance(found, list):
        return ()
    return tuple(item for item in found[-HISTORY_TURNS:] if isinstance(item, str) and 0 < len(item) <= question_chars)
