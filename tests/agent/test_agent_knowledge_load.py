"""What an operator is told about mistakes in the knowledge base."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.agent.knowledge.caller_words import caller_words
from backend.agent.knowledge.load import LARGEST_BYTES, SCHEMA_PATH, load_knowledge, parse_knowledge
from backend.agent.knowledge.locate import line_of, show
from backend.agent.knowledge.model import Knowledge
from backend.agent.knowledge.responses import DEFAULT_RESPONSES, RESPONSES
from backend.agent.knowledge.store import index_of_facts
from backend.core.errors import KnowledgeError
from tests.agent.harness import KB_PATH

Edit = Callable[[Any], None]


@pytest.fixture(scope="module")
def shipped() -> Knowledge:
    return load_knowledge(KB_PATH)


def complaint(edit: Edit) -> str:
    """What is said about the shipped knowledge base after `edit`."""
    data = json.loads(KB_PATH.read_text())
    edit(data)
    with pytest.raises(KnowledgeError) as caught:
        parse_knowledge(json.dumps(data, indent=1).encode(), Path("company_kb.json"))
    return str(caught.value)


def test_the_shipped_knowledge_base_loads(shipped: Knowledge) -> None:
    assert shipped.company.name == "Blue Harbor Internet"
    assert len(shipped.faq) >= 10


def test_every_intent_has_fifteen_phrasings_or_more(shipped: Knowledge) -> None:
    assert {k: len(v) for k, v in shipped.examples().items() if len(v) < 15} == {}


def test_sentences_are_short_enough_to_be_a_unit_of_playback(shipped: Knowledge) -> None:
    # About three words a second on the phone; opening hours are the longest there is to say.
    long = [text for text in shipped.fixed_sentences() if len(text.split()) > 16]
    assert long == []


def test_the_schema_describes_exactly_the_responses_the_policies_use() -> None:
    schema = json.loads(SCHEMA_PATH.read_text())
    required = set(schema["properties"]["responses"]["required"])
    assert required == set(RESPONSES) - set(DEFAULT_RESPONSES)
    assert set(schema["properties"]["responses"]["properties"]) == set(RESPONSES)


def test_a_syntax_error_is_located() -> None:
    with pytest.raises(KnowledgeError, match=r"kb\.json line 3 column 1 is not JSON"):
        parse_knowledge(b'{\n "a": 1,\n}', Path("kb.json"))


def test_text_that_is_not_utf8_is_located() -> None:
    with pytest.raises(KnowledgeError, match=r"line 2 is not UTF-8"):
        parse_knowledge(b'{\n "a": "caf\xe9"}', Path("kb.json"))


def test_a_byte_order_mark_does_no_harm() -> None:
    plain = KB_PATH.read_bytes()
    unmarked = parse_knowledge(plain, KB_PATH)
    marked = parse_knowledge(b"\xef\xbb\xbf" + plain, KB_PATH)
    assert replace(marked, fingerprint=unmarked.fingerprint) == unmarked


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(KnowledgeError, match="'a' twice"):
        parse_knowledge(b'{"a": 1, "a": 2}', Path("kb.json"))


def test_endless_nesting_is_refused() -> None:
    with pytest.raises(KnowledgeError):
        parse_knowledge(b"[" * 200_000, Path("kb.json"))


def test_a_missing_file_says_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="FRONTDESK_KB_PATH"):
        load_knowledge(tmp_path / "nowhere.json")


def test_a_directory_is_no_knowledge_base(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="cannot be read"):
        load_knowledge(tmp_path)


def test_a_file_that_is_far_too_large_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    with pytest.raises(KnowledgeError, match="MB"):
        load_knowledge(path)


def test_a_mistake_names_line_and_path() -> None:
    def edit(data: Any) -> None:
        data["faq"][3]["answer"] = ""

    message = complaint(edit)
    assert "(faq[3].answer) must not be empty." in message
    assert " line " in message


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda d: d.pop("company"), "lacks 'company'"),
        (lambda d: d.update(colour="red"), "has 'colour', which means nothing here"),
        (lambda d: d.update(plans="many"), "must be of type array"),
        (lambda d: d["intents"].pop("billing"), "lacks 'billing'"),
        (lambda d: d["intents"]["billing"].update(examples=[]), "must not be empty"),
        (lambda d: d["menu"][0].update(intent="joke"), "must be one of billing"),
        (lambda d: d["menu"][0].update(key="10"), '"10"'),
        (lambda d: d["faq"][0].update(id="Opening Hours"), "Lower case letters"),
        (lambda d: d["faq"][1].update(id=d["faq"][0]["id"]), "as in faq[0]; make it unique"),
        (lambda d: d["menu"][1].update(key="1"), "as in menu[0]"),
        (lambda d: d["plans"][1].update(name="basic"), "as in plans[0]"),
        (lambda d: d["customer_number"].update(min_digits=9), "more than 'max_digits'"),
        (lambda d: d["responses"].pop("goodbye"), "lacks 'goodbye'"),
        (lambda d: d["responses"].update(goodbye=["Bye {name}."]), "uses the slot {name}"),
        (lambda d: d["responses"].update(goodbye=["Bye {company"]), "not closed"),
        (lambda d: d["responses"].update(goodbye=["Bye {company!r}."]), "not a plain name"),
        (lambda d: d["responses"].update(goodbye=["Bye {company.name}."]), "not a plain name"),
        (lambda d: d["responses"].update(goodbye=["Bye {}."]), "not a plain name"),
        (lambda d: d["faq"][0].update(answer="We owe {amount}."), "uses the slot {amount}"),
        (lambda d: d["faq"][0]["questions"].append("?!"), "has no words in it"),
        (lambda d: d["faq"][0]["questions"].append("Goodbye!"), "an example of intents.goodbye"),
        (lambda d: d["intents"]["yes"]["examples"].append("yes"), "has 'yes' twice"),
        (lambda d: d["troubleshooting"][0]["steps"].append("Try {x}."), "uses the slot {x}"),
    ],
)
def test_each_kind_of_mistake_is_explained(edit: Edit, expected: str) -> None:
    assert expected in complaint(edit)


def test_many_mistakes_are_named_a_few_at_a_time() -> None:
    def edit(data: Any) -> None:
        for entry in data["faq"]:
            entry["answer"] = ""

    message = complaint(edit)
    assert "and 11 more." in message


def test_an_edited_sentence_is_what_is_said(shipped: Knowledge) -> None:
    data = json.loads(KB_PATH.read_text())
    data["company"]["name"] = "Acme. Corp"
    data["responses"]["greeting"] = ["Hi, {company} here."]
    edited = parse_knowledge(json.dumps(data).encode(), KB_PATH)
    assert edited.responses.sentences("greeting") == ("Hi, Acme. Corp here.",)
    assert edited.fingerprint != shipped.fingerprint


def test_wordings_take_turns(shipped: Knowledge) -> None:
    first, second = (shipped.responses.sentences("silence", use) for use in (0, 1))
    assert first != second
    assert shipped.responses.sentences("silence", 2) == first


def test_every_fixed_sentence_is_ready_to_be_spoken(shipped: Knowledge) -> None:
    fixed = list(shipped.fixed_sentences())
    assert fixed[0] == "Thank you for calling Blue Harbor Internet."
    assert not [text for text in fixed if "{" in text or not text.strip()]
    assert "Basic is 50 megabits for $29 a month." in fixed
    assert "Press 0 for a person." in fixed


def test_the_vocabulary_holds_what_callers_say_and_nothing_out_of_scope(
    shipped: Knowledge,
) -> None:
    vocabulary = caller_words(shipped)
    assert "what is my account balance" in vocabulary.sentences
    assert "what are your opening hours" in vocabulary.sentences
    assert "the Family plan" in vocabulary.sentences
    assert "play a song" not in vocabulary.sentences
    assert "play a song" in vocabulary.off_topic
    assert (vocabulary.min_digits, vocabulary.max_digits) == (4, 4)
    assert "harbor" in vocabulary.words


def test_facts_are_found_by_what_they_are_about(shipped: Knowledge) -> None:
    index = index_of_facts(shipped)
    assert index.search("may i plug in my own modem", 3)[0].source == "kb:faq/router"
    assert index.search("price of the premium plan", 3)[0].source == "kb:plan/premium"
    assert index.search("xylophone zebra", 3) == ()
    assert len(index.search("internet", 4)) == 4


DOCUMENT = '{\n "a": [1, {"b": "x\\"]}", "c":\n  2}],\n "d": {}\n}'


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ([], 1), (["a"], 2), (["a", 1], 2), (["a", 1, "c"], 3), (["d"], 4),
        (["d", "missing"], 4), (["a", 7], 2), (["a", 0, "deeper"], 2),
    ],
)  # fmt: skip
def test_a_path_is_found_in_the_text(path: list[str | int], line: int) -> None:
    assert line_of(DOCUMENT, path) == line


def test_a_path_is_shown_as_an_operator_writes_it() -> None:
    assert show(["faq", 3, "answer"]) == "faq[3].answer"
    assert show([]) == "the whole file"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


@given(_JSON)
def test_any_json_is_refused_with_a_reason(data: Any) -> None:
    with pytest.raises(KnowledgeError):
        parse_knowledge(json.dumps(data).encode(), Path("kb.json"))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_reason(raw: bytes) -> None:
    with pytest.raises(KnowledgeError):
        parse_knowledge(raw, Path("kb.json"))
