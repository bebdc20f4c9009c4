"""Gradio's HTML shell made ours: our header, style and script around it, no advertising, a nonce on its scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from assistant.web.render import render
from assistant.web.texts import CHINESE, ENGLISH, Words
from index.types import Language

_ADVERTISING = re.compile(r"<meta\s+(?:property|name)=\"(?:og|twitter):[^>]*>\s*", re.DOTALL)
_MANIFEST = re.compile(r"<link\s+rel=\"manifest\"[^>]*>")
_TITLE = re.compile(r"<title>.*?</title>", re.DOTALL)
_SCRIPT = re.compile(r"<script(?=[\s>])")
_FRAME_RESIZER = re.compile(
    r"<script>\s*\(\(\) => \{(?:(?!</script>).)*iframeResizer(?:(?!</script>).)*</script>", re.DOTALL
)
_BODY = re.compile(r"<body[^>]*>")
_SCRIPT_WORDS = ("page_title", "box_label", "box_placeholder", "ask", "stop", "too_long_near")


def page_rewriter(question_chars: int) -> Callable[[str, str], str]:
    """A function that turns the HTML that Gradio rendered, and a nonce, into the page as it is sent.

    The nonce goes on the scripts of the shell, so that the policy can refuse those that anything else brings in.
    """
    both = {"en": ENGLISH, "zh": CHINESE}
    head = render("head.html", **both)
    before = render(
        "before.html",
        **both,
        strings_en=_strings(ENGLISH, question_chars),
        strings_zh=_strings(CHINESE, question_chars),
    )
    after = render("after.html", **both)

    def rewrite(page: str, nonce: str) -> str:
        for part in (_ADVERTISING, _MANIFEST, _TITLE, _FRAME_RESIZER):
            page = part.sub("", page)
        page = _SCRIPT.sub(f'<script nonce="{nonce}"', page)
        page = page.replace("</head>", head + "</head>", 1).replace("</gradio-app>", "</gradio-app>" + after, 1)
        return _BODY.sub(lambda _: "<body>" + before, page, count=1)

    return rewrite


def asked_language(lang: str, accept_language: str) -> Language:
    """The language of a page: the one asked for by ?lang=, else the browser's first, else English."""
    wanted = lang or accept_language.split(",")[0]
    return "zh" if wanted.strip().lower().startswith("zh") else "en"


def _strings(words: Words, limit: int) -> str:
    """The words that the page's script sets, as JSON."""
    named = {name: getattr(words, name) for name in _SCRIPT_WORDS}
    return json.dumps(named | {"limit": limit}, ensure_ascii=False)
