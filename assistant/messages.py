"""What the assistant says besides quotes, in both languages: why there is no answer, and what to do next."""

from __future__ import annotations

from assistant.types import Outcome
from index.types import Language

_MESSAGES: dict[str, dict[Language, str]] = {
    "partial": {
        "en": "The documents answer one part of the question. They say nothing about: {parts}",
        "zh": "文件只能回答问题的一部分。以下部分没有依据：{parts}",
    },
    "conflicting": {
        "en": "The sources do not agree. Here is what each of them says.",
        "zh": "各来源说法不一，以下分别列出。",
    },
    "not_in_documents": {
        "en": "The documents do not answer this. The ones that come nearest are named below; you can open them, or ask "
        "with other words or about another year.",
        "zh": "现有文件没有回答这个问题。下面列出内容最接近的文件，可打开查看，也可换个说法或换个年份再问。",
    },
    "off_topic": {
        "en": "This is not about Shenzhen's infrastructure pilot. I answer from policy documents about the pilot: "
        "transport, energy, water, digital and urban infrastructure in and around Shenzhen.",
        "zh": "这个问题与深圳基础设施高质量发展试点无关。我只依据有关试点的政策文件作答，"
        "内容涉及深圳及周边的交通、能源、水务、数字和城市基础设施。",
    },
    "ambiguous": {
        "en": "This can mean several things. Which of these do you mean?",
        "zh": "这个问题可以有几种理解。您想问的是哪一个？",
    },
    "blocked": {
        "en": "There is no question here that I can read. Please type one in Chinese or English.",
        "zh": "没有读到可以回答的问题。请用中文或英文输入问题。",
    },
    "too_long": {
        "en": "The question is longer than {limit} characters. Please shorten it.",
        "zh": "问题超过{limit}个字符，请缩短后再问。",
    },
    "unavailable": {
        "en": "Something went wrong while answering. Please try again in a moment.",
        "zh": "回答时出了问题，请稍后再试。",
    },
    "greeting": {
        "en": "Hello! Ask me about Shenzhen's infrastructure pilot, for example: What are the four crossovers?",
        "zh": "您好！可以问我深圳基础设施高质量发展试点的问题，例如：四个“跨”分别指什么？",
    },
    "thanks": {"en": "You are welcome. Is there anything else you want to know?", "zh": "不客气。还有什么想了解的吗？"},
    "farewell": {"en": "Goodbye!", "zh": "再见！"},
    "about": {
        "en": "I answer questions about Shenzhen's pilot for high-quality infrastructure development from policy "
        "documents. Every sentence is a quote that you can open at its page; where they do not answer, I say so.",
        "zh": "我依据政策文件回答有关深圳基础设施高质量发展试点的问题。"
        "每句话都是原文引用，可以打开到所在页；文件里没有的，我会直说。",
    },
    "reading_of": {"en": "{question} (“{topic}”)?", "zh": "{question}（“{topic}”）？"},
    "reading": {"en": "What do the documents say about “{topic}”?", "zh": "关于“{topic}”，文件是怎么说的？"},
}


def message(name: str, language: Language, **values: object) -> str:
    """The text of a name (an outcome, a kind of small talk, "too_long", "reading") with its values filled in.

    Raises:
        KeyError: If there is no such text; names are fixed in this module.
    """
    return _MESSAGES[name][language].format(**values)


def outcome_message(outcome: Outcome, language: Language, *, parts: str = "") -> str:
    """What is said with an outcome; empty for a plain answer."""
    return "" if outcome is Outcome.ANSWERED else message(outcome.value, language, parts=parts)
