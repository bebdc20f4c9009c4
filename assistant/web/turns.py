"""One turn of the conversation as HTML and as plain words for screen readers."""

from __future__ import annotations

from assistant.types import Answer
from assistant.web.protocols import PageSource
from assistant.web.render import render
from assistant.web.texts import CHINESE, ENGLISH, Words, words
from assistant.web.view import turn_view
from index.language import unwrap, visible


def turn_html(answer: Answer, pages: PageSource, *, turn_id: str, done: bool) -> str:
    """The question, its answer so far and the cited places, in the question's language."""
    w = words(answer.language)
    view = turn_view(answer, pages, w, turn_id=turn_id, done=done)
    links = {n: link for card in view.cards for n, link in zip(card.numbers, card.links, strict=True)}
    counted = w.one_document if view.documents == 1 else w.many_documents.format(n=view.documents)
    return render("turn.html", turn=view, w=w, links=links, counted=counted, spoken=_spoken(answer) if done else "")


def message_html(w: Words, *, turn_id: str, title: str, body: str) -> str:
    """A turn that says why the question was not taken."""
    return render("message.html", w=w, id=turn_id, title=title, body=body)


def empty_html(turn_id: str) -> str:
    """A turn that says that there is no question, in both languages, of which the page shows its own."""
    return render("empty.html", en=ENGLISH, zh=CHINESE, id=turn_id)


def _spoken(answer: Answer) -> str:
    """What a screen reader says when the answer is complete."""
    w = words(answer.language)
    said = w.outcomes[answer.outcome]
    parts = [said.title, answer.message or said.body, *(sentence.text for sentence in answer.sentences)]
    text = " ".join(unwrap(visible(part)) for part in parts if part)
    return w.announce.format(text=text, sources=len(answer.citations)) if answer.citations else text
