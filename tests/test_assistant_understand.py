from __future__ import annotations

import time

import pytest

from assistant.understand import (
    Kind,
    Part,
    asks_latest,
    asks_one_source,
    by_year,
    content_terms,
    lacks_subject,
    question_kind,
    says_sources_differ,
    small_talk,
    spell_years,
    split_parts,
    standalone,
    understand,
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("When does the pilot start?", Kind.WHEN),
        ("By which year will it end?", Kind.WHEN),
        ("How many stations are there?", Kind.HOW_MANY),
        ("What is the length of the tunnel?", Kind.HOW_MANY),
        ("Who approved the plan?", Kind.WHO),
        ("Which department runs it?", Kind.WHO),
        ("Where is the port?", Kind.WHERE),
        ("Why was the plan changed?", Kind.WHY),
        ("What are the four crossovers?", Kind.LIST),
        ("Into which classes are the ports divided?", Kind.LIST),
        ("In what respects must roads improve?", Kind.LIST),
        ("What kinds of facilities does the pilot cover?", Kind.LIST),
        ("What exactly are the seven economies called?", Kind.LIST),
        ("What does crossover mean?", Kind.DEFINITION),
        ("Is the tunnel open?", Kind.YES_NO),
        ("How is the money raised?", Kind.HOW),
        ("Which line is the longest?", Kind.WHICH),
        ("The port of Yantian", Kind.OTHER),
    ],
)
def test_question_kind_english_words_decide(text: str, kind: Kind) -> None:
    assert question_kind(text) is kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("试点什么时候开始？", Kind.WHEN),
        ("试点哪一年结束？", Kind.WHEN),
        ("有多少个基站？", Kind.HOW_MANY),
        ("由哪个部门负责？", Kind.WHO),
        ("港口在哪里？", Kind.WHERE),
        ("为什么要试点？", Kind.WHY),
        ("四个“跨”分别指什么？", Kind.LIST),
        ("试点包括哪些领域？", Kind.LIST),
        ("什么是虚拟电厂？", Kind.DEFINITION),
        ("隧道是否通车？", Kind.YES_NO),
        ("隧道通车了吗？", Kind.YES_NO),
        ("如何筹集资金？", Kind.HOW),
        ("哪条线最长？", Kind.WHICH),
        ("條隧道幾時通車？", Kind.WHEN),
        ("條橋起咗幾耐？", Kind.WHEN),
        ("有幾多個站？", Kind.HOW_MANY),
        ("條橋有幾長？", Kind.HOW_MANY),
        ("邊個批准嘅？", Kind.WHO),
        ("邊間公司起嘅？", Kind.WHO),
        ("個站喺邊度？", Kind.WHERE),
        ("邊個區最多充電站？", Kind.WHERE),
        ("點解要起呢條橋？", Kind.WHY),
        ("試點有咩目標？", Kind.LIST),
        ("四個“跨”都叫咩？", Kind.LIST),
        ("條隧道開咗未，係唔係要收費？", Kind.YES_NO),
        ("筆錢點樣嚟？", Kind.HOW),
        ("邊條線最長？", Kind.WHICH),
        ("盐田港", Kind.OTHER),
    ],
)
def test_question_kind_chinese_words_decide(text: str, kind: Kind) -> None:
    assert question_kind(text) is kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("规划重点解决哪些问题？", Kind.LIST),
        ("这次试点解决了什么问题？", Kind.WHICH),
        ("周边企业如何受益？", Kind.HOW),
        ("港口周边企业能得到什么支持？", Kind.WHICH),
        ("地铁站周边个体工商户有哪些补贴？", Kind.LIST),
        ("大鹏周边度假区有哪些？", Kind.LIST),
        ("路边处罚标准是什么？", Kind.WHICH),
        ("口岸周边日均客流是多少？", Kind.HOW_MANY),
        ("试点范围包括边境口岸吗？", Kind.YES_NO),
        ("试点运作方式是什么？", Kind.WHICH),
        ("给飞行器降落点做专项规划，深圳是全国头一家？", Kind.OTHER),
        ("法国首都叫什么？", Kind.WHICH),
        ("邊個口岸最忙？", Kind.WHICH),
        ("规划提出了哪几大任务？", Kind.LIST),
        ("这几大板块分别是什么？", Kind.LIST),
        ("What were they built for?", Kind.WHICH),
        ("What are all the key projects worth together?", Kind.WHICH),
        ("In what parts of the city does Line 14 run?", Kind.WHICH),
    ],
)
def test_question_kind_words_that_only_look_like_a_question_word_do_not_decide(text: str, kind: Kind) -> None:
    assert question_kind(text) is kind


@pytest.mark.parametrize(
    "text",
    ["规划重点解决交通拥堵问题，什么时候实施？", "周边度假区去年建成，什么时候开放？", "海边位置好，什么时候动工？"],
)
def test_split_parts_statement_with_something_like_a_question_word_is_no_part(text: str) -> None:
    assert len(split_parts(text)) == 1


@pytest.mark.parametrize(
    "text", ["Will it rain in Longgang tomorrow?", "Is it possible to rent a bike?", "Is it true that the port moves?"]
)
def test_understand_it_that_stands_for_nothing_takes_nothing_along(text: str) -> None:
    assert understand(text, ["What are the four crossovers?"]).text == text


@pytest.mark.parametrize("text", ["试点样板项目什么时候建成？", "周边条件什么时候公布？", "海边度假项目什么时候建成？"])
def test_lacks_subject_words_with_something_like_a_question_word_are_a_subject(text: str) -> None:
    assert not lacks_subject(text)


@pytest.mark.parametrize(
    ("simplified", "traditional"),
    [
        ("试点什么时候开始？", "試點什麼時候開始？"),
        ("由谁负责？", "由誰負責？"),
        ("有多少个？", "有多少個？"),
        ("为什么？", "為什麼？"),
        ("隧道通车了吗？", "隧道通車了嗎？"),
    ],
)
def test_question_kind_traditional_characters_change_nothing(simplified: str, traditional: str) -> None:
    assert question_kind(traditional) is question_kind(simplified) is not Kind.OTHER


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Hello!", "greeting"),
        ("您好！", "greeting"),
        ("Thanks a lot", "thanks"),
        ("謝謝", "thanks"),
        ("Bye", "farewell"),
        ("再见", "farewell"),
        ("Who are you?", "about"),
        ("你是誰？", "about"),
        ("Hello, who made you?", "about"),
        ("Good morning", "greeting"),
        ("Good night!", "farewell"),
        ("Nice to meet you!", "greeting"),
        ("Thanks for your help", "thanks"),
        ("感谢帮助", "thanks"),
        ("Okay", "thanks"),
        ("了解了", "thanks"),
        ("你", ""),
        ("That's all, thanks", "farewell"),
        ("没事了，谢谢！", "farewell"),
        ("You're great", "thanks"),
        ("That helped me a lot", "thanks"),
        ("Thank you, this was super useful!", "thanks"),
        ("辛苦您啦", "thanks"),
        ("你会说英文吗？", "about"),
        ("有人吗", "greeting"),
        ("Hello, how many stations are there?", ""),
        ("How does it work?", ""),
        ("谁开发了这条线路？", ""),
        ("你好，试点什么时候开始？", ""),
        ("", ""),
    ],
)
def test_small_talk_only_where_it_is_all_that_is_said(text: str, name: str) -> None:
    assert small_talk(text) == name


def test_content_terms_question_and_function_words_are_out() -> None:
    assert content_terms("When was the tunnel of Shenzhen opened?") == ["tunnel", "shenzhen", "open"]
    assert content_terms("地铁什么时候通车？") == ["地铁", "通车"]


def test_split_parts_plain_question_is_one() -> None:
    (part,) = split_parts("How many bridges and tunnels are there?")
    assert (part.text, part.query, part.kind) == (
        "How many bridges and tunnels are there?",
        "How many bridges and tunnels are there?",
        Kind.HOW_MANY,
    )


def test_split_parts_joined_questions_are_two_and_the_later_takes_the_subject() -> None:
    first, second = split_parts("When did the tunnel open, and who paid for it?")
    assert (first.text, first.kind) == ("When did the tunnel open", Kind.WHEN)
    assert (second.text, second.kind) == ("who paid for it?", Kind.WHO)
    assert second.query == "the tunnel open who paid for it?"


def test_split_parts_two_sentences_are_two() -> None:
    assert [part.text for part in split_parts("When did it open? Who paid the builders?")] == [
        "When did it open?",
        "Who paid the builders?",
    ]


def test_split_parts_later_part_that_says_enough_may_stand_alone() -> None:
    _, second = split_parts(
        "When did the tunnel open, and how many underground metro stations does Longgang district plan before 2030?"
    )
    assert second.query == f"the tunnel open {second.text}"
    assert second.alone == second.text


def test_split_parts_later_part_that_says_little_stands_never_alone() -> None:
    first, second = split_parts("When did the tunnel open, and who paid for it?")
    assert (first.alone, second.alone) == ("", "")


def test_split_parts_chinese_comma_between_questions_splits() -> None:
    assert [(part.text, part.kind) for part in split_parts("试点什么时候开始，由谁负责？")] == [
        ("试点什么时候开始", Kind.WHEN),
        ("由谁负责？", Kind.WHO),
    ]
    assert len(split_parts("到2025年，试点有多少个基站？")) == 1


@pytest.mark.parametrize(
    ("text", "later"),
    [
        ("大桥哪天通车？有多高？", "有多高？"),
        ("When did the tunnel open? How wide?", "How wide?"),
        ("What did the tunnel cost, and since when has it carried water?", "since when has it carried water?"),
    ],
)
def test_split_parts_later_part_may_only_ask(text: str, later: str) -> None:
    _, second = split_parts(text)
    assert second.text == later
    assert content_terms(second.query)


@pytest.mark.parametrize("text", ["隧道2024年通车，是吗？", "The tunnel is open. What? Really?"])
def test_split_parts_afterthought_is_no_part(text: str) -> None:
    assert len(split_parts(text)) == 1


def test_split_parts_traditional_characters_split_alike() -> None:
    assert [(part.text, part.kind) for part in split_parts("試點什麼時候開始，由誰負責？")] == [
        ("試點什麼時候開始", Kind.WHEN),
        ("由誰負責？", Kind.WHO),
    ]


@pytest.mark.parametrize(
    ("text", "history", "expected"),
    [
        ("And in 2030?", ["How many stations by 2025?"], "How many stations by 2030?"),
        ("那2030年呢？", ["到2025年有多少基站？"], "到2030年有多少基站？"),
        ("還有2030年呢？", ["到2025年有多少基站？"], "到2030年有多少基站？"),
        ("Who built it?", ["When did the tunnel open?"], "Who built it? (When did the tunnel open)"),
        ("這個計劃誰批的？", ["四个跨是什么？"], "這個計劃誰批的？ (四个跨是什么)"),
        ("Why?", ["Did the tunnel close?"], "Why? (Did the tunnel close)"),
        ("Where is the port?", ["When did the tunnel open?"], "Where is the port?"),
        ("And in 2030?", [], "And in 2030?"),
    ],
)
def test_standalone_takes_only_what_is_missing(text: str, history: list[str], expected: str) -> None:
    assert standalone(text, history) == expected


def test_standalone_chain_of_follow_ups_keeps_the_subject() -> None:
    history = ["How many stations by 2025?", "And in 2030?"]
    assert standalone("And in 2035?", history) == "How many stations by 2035?"


def test_small_talk_repeated_without_end_is_told_fast() -> None:
    started = time.perf_counter()
    assert small_talk("你能帮我做什么" * 140 + "x") == ""
    assert small_talk("bye bye " * 120 + "x") == ""
    assert time.perf_counter() - started < 0.5


def test_standalone_pronoun_for_what_the_question_names_itself_takes_nothing_along() -> None:
    text = "How many accidents happened on the Shenzhen-Zhongshan Link in its first month?"
    assert standalone(text, ["How many major projects were there in 2022?"]) == text
    text = "What does the transport plan say about the metro, and who drew it up?"
    assert standalone(text, ["How many major projects were there in 2022?"]) == text


@pytest.mark.parametrize(
    "text",
    [
        "Are there different figures for the length of the coastal railway?",
        "How many lifts are there at Harbour East?",
        "is there a ferry from Shekou",
        "How many flights did the northern airport say it would handle?",
    ],
)
def test_standalone_pronoun_that_stands_for_nothing_asked_before_takes_nothing_along(text: str) -> None:
    assert standalone(text, ["When did the tunnel open?"]) == text


@pytest.mark.parametrize(
    "text",
    [
        "How many stations are there?",
        "Is there a toll?",
        "How many people work there?",
        "When did the city say it would open?",
        "When did they say it would open to lorries and buses?",
        "How many in its first month?",
        "What does the NDRC say about its cost?",
        "What did the city government announce for its first year?",
    ],
)
def test_standalone_pronoun_for_what_was_asked_before_takes_it_along(text: str) -> None:
    assert standalone(text, ["How long is the Link?"]) == f"{text} (How long is the Link)"


def test_standalone_small_talk_between_is_passed_over() -> None:
    assert standalone("And in 2030?", ["How many stations by 2025?", "Thanks!"]) == "How many stations by 2030?"
    assert standalone("And in 2030?", ["Hello!"]) == "And in 2030?"


def test_understand_invisible_characters_and_breaks_are_gone() -> None:
    asked = understand("When\u200b does\nthe pilot \u202estart?")
    assert (asked.text, asked.language, asked.kind) == ("When does the pilot start?", "en", Kind.WHEN)
    assert (asked.asks, asked.small_talk, len(asked.parts)) == (True, "", 1)


def test_understand_bare_topic_asks_nothing() -> None:
    assert not understand("Yantian port").asks
    assert understand("Yantian port?").asks


def test_understand_small_talk_takes_nothing_from_history() -> None:
    asked = understand("Thanks!", ["When did the tunnel open?"])
    assert (asked.text, asked.small_talk) == ("Thanks!", "thanks")


def test_understand_follow_up_keeps_the_language_it_was_typed_in() -> None:
    assert understand("那2030年呢？", ["How many stations by 2025?"]).language == "zh"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The sources do not agree on the length.", True),
        ("两处说法不一。", True),
        ("兩處說法不一。", True),
        ("The tunnel is long.", False),
    ],
)
def test_says_sources_differ_only_where_it_is_said(text: str, expected: bool) -> None:
    assert says_sources_differ(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("When will it open?", True),
        ("How much does it cost?", True),
        ("投资多少？", True),
        ("那個項目總投資是多少億元？", True),
        ("How much did Shenzhen invest?", True),
        ("When does the bridge open?", False),
        ("地铁什么时候开通？", False),
        ("What are the four crossovers?", False),
        ("What is the target for 2025?", False),
        ("What is the “plan”?", False),
        ("Why?", False),
        ("", False),
    ],
)
def test_lacks_subject_only_where_no_word_says_of_what(text: str, expected: bool) -> None:
    assert lacks_subject(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How long is the metro now?", True),
        ("What is the latest count?", True),
        ("目前有多少座超充站？", True),
        ("最新的數字是多少？", True),
        ("How long was the metro in 2020?", False),
        ("Where is the know-how from?", False),
    ],
)
def test_asks_latest_only_where_it_says_so(text: str, expected: bool) -> None:
    assert asks_latest(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("深圳24年GDP多少", "深圳2024年GDP多少"),
        ("24年2月的会", "2024年2月的会"),
        ("2024年", "2024年"),
        ("用了20年建成", "用了20年建成"),
        ("近25年的变化", "近25年的变化"),
        ("20年内建成", "20年内建成"),
        ("15年", "15年"),
    ],
)
def test_spell_years_two_digits_become_a_year_where_they_count_none(text: str, expected: str) -> None:
    assert spell_years(text) == expected


def test_understand_follow_up_is_one_question_with_what_it_takes_along() -> None:
    asked = understand("When will it open?", ["广州有多少座超充站？"])
    assert asked.text == "When will it open? (广州有多少座超充站)"
    assert len(asked.parts) == 1


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("你好，我想问下海绵城市达标的目标", "海绵城市达标的目标"),
        ("请问深圳地铁有多长？谢谢", "深圳地铁有多长"),
        ("Could you please tell me when the runway opened?", "when the runway opened?"),
        ("Hi, I'd like to know how long the metro is. Thanks!", "how long the metro is"),
        ("要查什么资料？", "要查什么资料？"),
        ("What can you tell me about sponge cities?", "What can you tell me about sponge cities?"),
    ],
)
def test_understand_politeness_is_not_searched_for(text: str, query: str) -> None:
    asked = understand(text)
    assert (asked.text, asked.parts[0].query) == (text, query)


def test_understand_follow_up_is_searched_with_what_it_is_about() -> None:
    asked = understand("造价呢？", ["珠三角水资源配置工程有多长？"])
    assert asked.text == "造价呢？ (珠三角水资源配置工程有多长)"
    assert asked.parts[0].query == "珠三角水资源配置工程有 造价呢？"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("According to Xinhua, how many masts are there?", True),
        ("How long is the bridge as reported by CCTV?", True),
        ("What does the 2025 report say about growth?", True),
        ("据新华社报道，基站有多少个？", True),
        ("按2023年的规划，面积是多少？", True),
        ("报告里说的目标是什么？", True),
        ("What does Xinhua say about the length?", True),
        ("According to your documents, how long is the bridge?", False),
        ("According to official sources, how long is the bridge?", False),
        ("各方报道给出的长度各是多少？", False),
        ("不同报道说的长度一致吗？", False),
        ("深圳数据中心的总投资规划是多少？", False),
        ("自动驾驶牌照发放了多少张，有没有报告？", False),
        ("方案提供多少资金？", False),
        ("根据这些文件，大桥多长？", False),
        ("据说大桥很长，到底多长？", False),
        ("How long is the bridge?", False),
        ("根据需要可以建多少个站？", False),
    ],
)
def test_asks_one_source_only_where_one_is_named(text: str, expected: bool) -> None:
    assert asks_one_source(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What was spent in 2023 and 2024?", ("What was spent in 2023?", "What was spent in 2024?")),
        ("2023年和2024年各有多少个项目？", ("2023年各有多少个项目？", "2024年各有多少个项目？")),
        ("2023、2024年投资多少？", ("2023年投资多少？", "2024年投资多少？")),
        (
            "What was spent in 2022, 2023 and 2024?",
            ("What was spent in 2022?", "What was spent in 2023?", "What was spent in 2024?"),
        ),
        ("超充站2023、2024和2025年的目标？", ("超充站2023年的目标？", "超充站2024年的目标？", "超充站2025年的目标？")),
        (
            "比亚迪2023年和2024年的自动驾驶车有多少？",
            ("比亚迪2023年的自动驾驶车有多少？", "比亚迪2024年的自动驾驶车有多少？"),
        ),
        ("What was spent between 2023 and 2024?", ()),
        ("What was spent in 2023 and 2024-2025?", ()),
        ("Which year saw higher costs, 2023 or 2024?", ()),
        ("Which year had the toll, 2023 and 2024?", ()),
        ("2023年和2024年共投资多少？", ()),
        ("2021年和2022年之间新增多少？", ()),
        ("2024年与2023年相比如何？", ()),
        ("Was more spent in 2023 than in 2024?", ()),
        ("2022和2023两年平均增长多少？", ()),
        ("What does the plan for 2023-2024 say?", ()),
        ("What was spent in 2023?", ()),
    ],
)
def test_by_year_splits_years_side_by_side_only(text: str, expected: tuple[str, ...]) -> None:
    parts = by_year(Part(text, text, Kind.HOW_MANY))
    assert tuple(part.query for part in parts) == tuple(part.text for part in parts) == expected


def test_by_year_shows_each_part_as_asked_and_searches_with_its_subject() -> None:
    first, second = by_year(Part("And in 2023 and 2024?", "charging stations And in 2023 and 2024?", Kind.OTHER))
    assert (first.text, second.text) == ("And in 2023?", "And in 2024?")
    assert second.query == "charging stations And in 2024?"
