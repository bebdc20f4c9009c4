from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator

import pytest

from assistant.settings import AnswerSettings
from assistant.types import Answer, Question
from assistant.web.ask import HISTORY_TURNS, Desk, Shown, read_history
from index.errors import IndexMissingError
from tests.fakes_web import FakeAssistant, fake_pages


class Failing:
    """An assistant that raises."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def astream(self, input: Question, /) -> AsyncIterator[Answer]:
        raise self.error
        yield


def taken(
    text: str, *, assistant: FakeAssistant | Failing | None = None, history: str = "[]", timeout_s: float = 5
) -> list[Shown]:
    desk = Desk(assistant or FakeAssistant(), fake_pages(), AnswerSettings(question_chars=100), timeout_s)

    async def gather() -> list[Shown]:
        return [shown async for shown in desk.take(text, history)]

    return asyncio.run(gather())


def test_take_answer_grows_and_only_the_last_is_done() -> None:
    shown = taken("What are the four crossovers?")
    assert [len(re.findall("<(?:span|li) lang", s.html.partition("<blockquote")[0])) for s in shown] == [
        1,
        2,
        3,
        4,
        5,
        5,
    ]
    assert [s.html.count('class="cite"') for s in shown] == [1] * 6
    assert ['data-state="done"' in s.html for s in shown] == [False] * 5 + [True]


def test_take_history_grows_by_the_question_when_complete() -> None:
    shown = taken("hello", history='["first"]')
    assert shown[0].history is None
    assert json.loads(shown[-1].history or "") == ["first", "hello"]


def test_take_passes_the_history_on() -> None:
    assistant = FakeAssistant()
    taken("By when?", assistant=assistant, history='["What are the four crossovers?"]')
    assert assistant.asked == [Question("By when?", history=("What are the four crossovers?",))]


@pytest.mark.parametrize(("text", "words"), [("word " * 30, "at most 100"), ("问题" * 60, "最多可以读取 100 个")])
def test_take_question_over_the_limit_is_refused_before_any_work(text: str, words: str) -> None:
    assistant = FakeAssistant()
    shown = taken(text, assistant=assistant)
    assert assistant.asked == []
    assert len(shown) == 1
    assert words in shown[0].html and shown[0].keep_text


@pytest.mark.parametrize("text", ["", "  \n", "\u200b\u202e"])
def test_take_empty_question_is_told_in_both_languages(text: str) -> None:
    assistant = FakeAssistant()
    html = taken(text, assistant=assistant)[0].html
    assert assistant.asked == []
    assert "Type a question" in html and "请输入问题" in html


@pytest.mark.parametrize("error", [RuntimeError("secret path"), IndexMissingError("secret path")])
def test_take_failure_is_unavailable_without_its_reason(error: Exception) -> None:
    html = taken("四个？", assistant=Failing(error))[-1].html
    assert 'data-outcome="unavailable"' in html and "回答时出了问题" in html
    assert "secret" not in html


def test_take_answer_past_the_time_limit_is_ended() -> None:
    assistant = FakeAssistant(delay_s=5)
    html = taken("hello", assistant=assistant, timeout_s=0.05)[-1].html
    assert 'data-outcome="unavailable"' in html and "longer than" in html
    assert assistant.running == 0


@pytest.mark.parametrize("text", ["", "{", "null", '{"a": 1}', "[1, null]", '["' + "x" * 101 + '"]', "[" * 5000])
def test_read_history_of_anything_else_is_empty(text: str) -> None:
    assert read_history(text, 100) == ()


def test_read_history_keeps_the_last_questions() -> None:
    asked = [f"q{n}" for n in range(20)]
    assert read_history(json.dumps(asked), 100) == tuple(asked[-HISTORY_TURNS:])
