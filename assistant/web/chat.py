"""The part of the chat page that Gradio runs: the question box and the turn being answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from assistant.settings import ServerSettings
from assistant.web.ask import Desk
from assistant.web.texts import ENGLISH

if TYPE_CHECKING:
    from gradio import Blocks


def build_chat(desk: Desk, server: ServerSettings) -> Blocks:
    """The box and the turn, with the queue bounded as the settings say; imports gradio.

    The turn is a Markdown component that gets one line of HTML, which Markdown leaves as it is: gr.HTML evaluates its
    template as JavaScript, and so would need 'unsafe-eval' in the policy.
    """
    import gradio as gr

    async def respond(text: str, history: str) -> AsyncIterator[tuple[object, ...]]:
        async for shown in desk.take(text or "", history):
            yield (
                "".join(line.strip() + " " for line in shown.html.splitlines()),
                gr.skip() if shown.keep_text else "",
                gr.skip() if shown.history is None else shown.history,
            )

    page: Blocks
    with gr.Blocks(title=ENGLISH.page_title, analytics_enabled=False, fill_width=True) as page:
        now = gr.Markdown("", elem_id="now", sanitize_html=False, latex_delimiters=[])
        with gr.Column(elem_id="ask"):
            box = gr.Textbox(elem_id="q", max_lines=8, container=False, submit_btn=ENGLISH.ask, stop_btn=ENGLISH.stop)
        history = gr.Textbox("[]", elem_id="history", visible="hidden", show_label=False)
        asking = box.submit(
            respond,
            [box, history],
            [now, box, history],
            show_progress="hidden",
            concurrency_limit=server.concurrency,
            api_visibility="private",
        )
        box.stop(None, None, None, cancels=[asking], queue=False, api_visibility="private")
    page.queue(max_size=server.queue_size, default_concurrency_limit=server.concurrency, api_open=False)
    return page
