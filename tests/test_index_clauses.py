from index.clauses import Clause, ClauseChange, clauses_of, diff_clauses
from index.types import Chunk, SentenceSpan


def clause(text: str, section: str = "Goals", page: int = 1) -> Clause:
    return Clause(page, section, text)


def test_clauses_of_chunk_gives_each_sentence_on_one_line() -> None:
    text = "First\nsentence. Second one."
    spans = (SentenceSpan(10, 25), SentenceSpan(26, 37))
    chunk = Chunk("a.md#p2-0", "a.md", 2, 10, 37, "Goals", text, "en", spans)
    assert list(clauses_of([chunk])) == [clause("First sentence.", page=2), clause("Second one.", page=2)]


def test_clauses_of_chunk_without_sentences_gives_the_chunk() -> None:
    chunk = Chunk("a.md#p1-0", "a.md", 1, 0, 5, "", "Alone", "en")
    assert list(clauses_of([chunk])) == [clause("Alone", section="")]


def test_diff_clauses_equal_states_gives_nothing() -> None:
    state = [clause("The city builds."), clause("The port grows.")]
    found = diff_clauses(state, state)
    assert (found.new, found.changed, found.gone, found.same) == ((), (), (), 2)


def test_diff_clauses_moved_clause_is_the_same() -> None:
    found = diff_clauses([clause("One."), clause("Two.")], [clause("Two."), clause("One.")])
    assert (found.new, found.changed, found.gone, found.same) == ((), (), (), 2)


def test_diff_clauses_reworded_clause_is_changed() -> None:
    before, after = clause("The target for 2025 is 50,000 stations."), clause("The target for 2025 is 60,000 stations.")
    found = diff_clauses([before, clause("Kept.")], [after, clause("Kept.")])
    assert found.changed == (ClauseChange(before, after),)
    assert (found.new, found.gone, found.same) == ((), (), 1)


def test_diff_clauses_reworded_in_another_section_is_gone_and_new() -> None:
    before, after = clause("The target is 50,000.", section="A"), clause("The target is 60,000.", section="B")
    found = diff_clauses([before], [after])
    assert (found.new, found.changed, found.gone) == ((after,), (), (before,))


def test_diff_clauses_unlike_text_is_gone_and_new() -> None:
    found = diff_clauses([clause("Ports and harbours.")], [clause("水务发展规划。")])
    assert len(found.new) == len(found.gone) == 1
    assert found.changed == ()


def test_diff_clauses_counts_repeats() -> None:
    found = diff_clauses([clause("Again."), clause("Again.")], [clause("Again.")])
    assert (len(found.gone), found.same) == (1, 1)
