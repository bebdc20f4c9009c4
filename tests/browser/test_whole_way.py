from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from index.settings import PROJECT_ROOT
from tests.browser.conftest import Opens, Watched
from tests.browser.test_chat import ask, flat

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CORPUS = (
    "four-crossovers-account",
    "ndrc-reply-letter",
    "sponge-city",
    "water-affairs-14th-plan",
    "airport-third-runway",
)


@pytest.fixture(scope="module")
def real_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`python app.py serve` over a few of the project's own documents, in a home of its own."""
    home = tmp_path_factory.mktemp("home")
    documents = home / "documents"
    for name in CORPUS:
        for source in sorted((PROJECT_ROOT / "documents").glob(f"*/{name}.*")):
            copy = documents / source.relative_to(PROJECT_ROOT / "documents")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
    if (PROJECT_ROOT / "var" / "models").is_dir():
        shutil.copytree(PROJECT_ROOT / "var" / "models", home / "models")
    env = {k: v for k, v in os.environ.items() if not k.startswith("PILOT_")}
    env |= {"PILOT_HOME": str(home), "PILOT_INDEX__DOCUMENTS": str(documents)}
    command = [sys.executable, str(PROJECT_ROOT / "app.py"), "serve", "--port", "0"]
    with subprocess.Popen(command, env=env, cwd=home, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines: list[str] = []
        url = ""
        for line in process.stderr:
            lines.append(line)
            if "is ready: " in line:
                url = line.split("is ready: ")[1].split()[0]
                break
        assert url, "".join(lines)[-2000:]
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield url
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


@pytest.mark.parametrize(
    ("locale", "question", "words"),
    [
        ("en-GB", "What are the four crossovers?", "cross-sector leadership"),
        ("zh-CN", "四个“跨”分别指什么？", "跨界引领"),
    ],
    ids=["en", "zh"],
)
def test_question_to_the_real_assistant_is_cited_and_opens_at_the_quote(
    opened: Opens, watched: Watched, real_url: str, locale: str, question: str, words: str
) -> None:
    page = opened(at=real_url, locale=locale)
    turn = ask(page, question)
    assert turn.get_attribute("data-outcome") == "answered"
    assert words in flat(turn.locator(".answer").text_content())
    with page.context.expect_page() as tab:
        turn.locator(".card a.open").first.click()
    source = tab.value
    source.wait_for_selector("mark")
    assert flat(source.locator("mark").first.text_content()) == flat(turn.locator(".card mark").first.text_content())
    box = source.locator("mark").first.bounding_box()
    assert box is not None and 0 <= box["y"] < 900
    assert watched.foreign(real_url) == []
    assert watched.trouble == []


def test_question_outside_the_documents_is_refused_by_the_real_assistant(opened: Opens, real_url: str) -> None:
    turn = ask(opened(at=real_url), "Who won the last football World Cup?")
    assert turn.get_attribute("data-outcome") in ("off_topic", "not_in_documents")
    assert turn.locator(".cite").count() == 0


def test_source_that_does_not_exist_says_so(opened: Opens, real_url: str) -> None:
    page = opened("/source?document=../../app.py&page=1", at=real_url)
    assert "This source cannot be found" in flat(page.locator("h1").text_content())
