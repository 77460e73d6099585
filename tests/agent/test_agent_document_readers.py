"""Documents become passages: what of each format is read, and where it is said to stand."""

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.agent.documents.html import html_sections
from backend.agent.documents.passages import LONGEST_SOURCE, PASSAGE_WORDS, passages
from backend.agent.documents.plain_text import decode, text_sections
from backend.agent.documents.read import READERS, read_sections
from backend.agent.documents.section import Section
from backend.agent.knowledge.facts import Fact
from backend.core.errors import DocumentError
from tests.agent.papers import RETURNS, pdf, word

SHIPPED = Path(__file__).parent / "documents"


def read(name: str, raw: bytes) -> list[Fact]:
    return passages(name, read_sections(name, io.BytesIO(raw)))


def refused(name: str, raw: bytes) -> str:
    with pytest.raises(DocumentError) as refusal:
        read(name, raw)
    return str(refusal.value)


def test_markdown_is_read_by_its_headings() -> None:
    routers, damaged = read("terms/returns.md", RETURNS.encode())
    assert routers.source == "kb:documents/terms/returns.md#Routers"
    assert routers.text.startswith("Rented routers go back to us within 21 days")
    assert "Returning equipment. Routers" in routers.about
    assert damaged.source.endswith("#Damaged devices")


def test_a_pdf_is_read_page_by_page() -> None:
    first, second = read("guide.pdf", pdf("The lamp blinks twice a day.", "Call us at night too."))
    assert first == Fact("The lamp blinks twice a day.", "kb:documents/guide.pdf#page 1", "guide")
    assert second.source == "kb:documents/guide.pdf#page 2"


def test_the_headings_of_a_pdf_are_those_of_its_outline() -> None:
    found = read("debian-faq.pdf", (SHIPPED / "debian-faq.pdf").read_bytes())
    (named,) = [fact for fact in found if "with a short e in Deb" in fact.text]
    assert named.source.startswith(
        "kb:documents/debian-faq.pdf#page 11: 1.7 How does one pronounce"
    )
    assert not any(". . . . ." in fact.text for fact in found), "no table of contents"


def test_a_word_document_is_read_by_its_headings() -> None:
    raw = word(("Heading1", "Warranty"), ("Normal", "Repairs are free for two years."))
    assert read("warranty.docx", raw) == [
        Fact("Repairs are free for two years.", "kb:documents/warranty.docx#Warranty",
             "Warranty. warranty")
    ]  # fmt: skip


def test_of_a_page_only_what_is_shown_is_read() -> None:
    page = """<title>Prices</title><script>alert("run me now please")</script>
        <style>p { color: red }</style><nav>Home Contact About Terms</nav>
        <!-- nobody sees this here --><h2>Parking</h2><p>Parking costs
        <b>two</b> dollars an hour.<p>Sundays are free of charge.
        <noscript>No script here.</noscript>
        <table><tr><td>Bikes always</td><td>park free</td></tr></table>"""
    (section,) = html_sections(page)
    assert section == Section(
        ("Prices", "Parking"),
        ("Parking costs two dollars an hour.", "Sundays are free of charge.",
         "Bikes always park free"),
    )  # fmt: skip


def test_text_is_read_by_its_blank_lines_headings_and_lists() -> None:
    text = """Opening hours
=============

We open at eight
and close at six.

2.1. Holidays

 1. Closed on New Year's Day.
 2. Open on Labor Day
    until noon."""
    assert text_sections(text) == [
        Section(("Opening hours",), ("We open at eight and close at six.",)),
        Section(
            ("Opening hours", "2.1. Holidays"),
            ("1. Closed on New Year's Day.", "2. Open on Labor Day until noon."),
        ),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_read_in_the_encoding_it_has(encoding: str) -> None:
    text = "Das Gerät läuft für zwölf Stunden. Über Nacht hält die Batterie länger, schöne Grüße."
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("name", "raw", "sentence"),
    [
        ("scan.pdf", pdf(""), "is a PDF without text"),
        ("secret.pdf", pdf("Hidden words are here.", encrypted=True), "locked with a password"),
        ("cut.pdf", pdf("Whole words are here.")[:200], "is no PDF, or a damaged one"),
        ("bomb.docx", word(("Normal", "Boom"), padding=120_000_000), "would unpack to 120 MB"),
        ("renamed.docx", RETURNS.encode(), "is no Word document"),
        ("photo.txt", bytes(range(256)) * 40, "is no text"),
        ("blank.md", b" \n\n ", "has no text in it"),
        ("only-script.html", b"<script>alert(1)</script>", "has no text in it"),
        ("table.xlsx", b"PK", "is of a kind that is not read"),
        ("no-ending", b"words", "is of a kind that is not read"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(name: str, raw: bytes, sentence: str) -> None:
    assert sentence in refused(name, raw)


def test_long_sections_are_cut_between_sentences() -> None:
    sentence = "The fibre is pulled through the wall by our technician in about an hour."
    found = passages("install.txt", [Section(("Installation",), (" ".join([sentence] * 40),))])
    assert len(found) == 5
    for fact in found:
        assert len(fact.text.split()) <= PASSAGE_WORDS
        assert fact.text.endswith("hour.")


def test_a_source_is_never_longer_than_what_stores_it() -> None:
    (fact,) = passages("x.md", [Section(("word " * 100,), ("Four words are enough.",))])
    assert len(fact.source) == LONGEST_SOURCE


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(set(READERS) - {".docx"})), st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(ending: str, raw: bytes) -> None:
    try:
        found = read(f"any{ending}", raw)
    except DocumentError as error:
        assert error.message  # noqa: PT017 - either is right
    else:
        assert all(fact.text.strip() for fact in found)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.from_regex(r"[A-Z][a-z]{2,8}( [a-z]{2,8}){3,9}\.", fullmatch=True), min_size=1))
def test_every_sentence_of_a_text_is_in_a_passage(sentences: list[str]) -> None:
    found = passages("any.txt", text_sections("\n\n".join(sentences)))
    said = " ".join(fact.text for fact in found)
    assert all(sentence in said for sentence in sentences)
