"""The folder of documents: read when it changes, and never the worse for what is put into it."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from backend.agent.documents import child, folder
from backend.agent.documents.shelf import Shelf
from backend.agent.intents.encoder import Vectors
from backend.agent.knowledge.store import Snapshot
from backend.agent.retrieval.index import FactIndex
from backend.agent.retrieval.library import Library
from tests.agent.papers import RETURNS, WordVectors, pdf, word

QUESTION = "when do rented routers go back"


class Desk:
    """A library over a folder of its own, looked at by hand."""

    def __init__(self, place: Path, snapshot: Snapshot, *, with_model: bool = False) -> None:
        self.folder = place / "documents"
        self.folder.mkdir(exist_ok=True)
        self.cache = place / "cache"
        self.warnings: list[str] = []
        self.encoded: list[str] = []
        self.published: list[FactIndex] = []
        self.snapshot = snapshot
        self._knowledge = snapshot.knowledge
        model = WordVectors() if with_model else None
        self.shelf = Shelf(self.folder, self.cache)
        self.library = Library(
            self.shelf,
            self.cache,
            lambda _code, message: self.warnings.append(message),
            encoder=model,
            encode_all=self._encode if with_model else None,
        )

    async def _encode(self, texts: Sequence[str]) -> Vectors:
        self.encoded += texts
        return WordVectors().encode_all(texts)

    def put(self, name: str, content: str | bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    async def look(self, times: int = 2) -> None:
        async def publish() -> None:
            self.published.append(self.library.index(self._knowledge))

        for _ in range(times):
            await self.library.refresh(self._knowledge, publish)

    @property
    def index(self) -> FactIndex:
        return self.published[-1]

    def sources(self, question: str = QUESTION) -> list[str]:
        return [fact.source for fact in self.library.index(self._knowledge).search(question, 3)]

    def complaint(self) -> str:
        (complaint,) = self.library.complaints
        return complaint


Scenario = Callable[[Desk], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path, snapshot: Snapshot) -> Callable[..., Desk]:
    def run(scenario: Scenario, *, with_model: bool = False) -> Desk:
        desk = Desk(tmp_path, snapshot, with_model=with_model)
        asyncio.run(asyncio.wait_for(scenario(desk), 60))
        return desk

    return run


def test_a_document_is_found_beside_the_facts_of_the_knowledge_base(
    play: Callable[..., Desk],
) -> None:
    async def scenario(desk: Desk) -> None:
        desk.put("returns.md", RETURNS)
        await desk.look()
        assert desk.sources()[0] == "kb:documents/returns.md#Routers"
        assert desk.sources("may i plug in my own modem")[0] == "kb:faq/router"
        assert desk.library.complaints == ()

    play(scenario)


@pytest.mark.parametrize("with_model", [False, True])
def test_no_copy_is_kept_of_what_was_taken_out(
    play: Callable[..., Desk], *, with_model: bool
) -> None:
    async def scenario(desk: Desk) -> None:
        desk.put("returns.md", RETURNS)
        desk.put("hours.md", "# Hours\n\nThe shop opens at nine on Sundays.")
        await desk.look()
        desk.put("returns.md", RETURNS.replace("21 days", "30 long days"))
        (desk.folder / "hours.md").unlink()
        await desk.look()
        copies = "".join(path.read_text() for path in desk.cache.glob("*.json"))
        assert "30 long days" in copies
        assert "21 days" not in copies
        assert "Sundays" not in copies

    play(scenario, with_model=with_model)


def test_a_name_that_is_no_utf_8_is_a_name_as_well(play: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        (desk.folder / os.fsdecode(b"caf\xe9.md")).write_text(RETURNS)
        desk.put("hours.md", "# Hours\n\nThe shop opens at nine on Sundays.")
        await desk.look()
        assert [one.name for one in desk.library.documents] == ["caf\\xe9.md", "hours.md"]
        assert desk.library.complaints == ()
        await Desk(desk.folder.parent, desk.snapshot).library.recall()

    play(scenario)


def test_an_edit_is_used_and_a_removal_as_well(play: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        desk.put("returns.md", RETURNS)
        await desk.look()
        desk.put("returns.md", RETURNS.replace("21 days", "30 long days"))
        await desk.look()
        assert "30 long days" in desk.index.search(QUESTION, 1)[0].text
        (desk.folder / "returns.md").unlink()
        await desk.look()
        assert not desk.index.has_passages

    play(scenario)


def test_a_file_is_left_alone_while_it_is_being_copied(play: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.look()
        desk.put("returns.md", RETURNS[:40])
        await desk.look(times=1)
        desk.put("returns.md", RETURNS)
        await desk.look(times=1)
        assert desk.published == [], "nothing stayed as it was yet"
        await desk.look(times=1)
        assert desk.index.search(QUESTION, 1)[0].is_passage

    play(scenario)


def test_only_what_is_new_is_read_and_encoded_also_after_a_restart(
    play: Callable[..., Desk],
) -> None:
    async def first(desk: Desk) -> None:
        desk.put("returns.md", RETURNS)
        desk.put("parking.txt", "Parking behind our office is free of charge.")
        await desk.look()
        assert desk.index.search("refund for parking", 1)[0].source.endswith("parking.txt")

    async def second(desk: Desk) -> None:
        desk.put("parking.txt", "Parking behind our office costs a dollar.")
        await desk.look()
        assert "costs a dollar" in " ".join(desk.encoded)
        assert "Rented routers" not in " ".join(desk.encoded)
        kept = {path.suffix for path in desk.cache.iterdir()}
        assert kept == {".json", ".npy"}
        assert len(list(desk.cache.iterdir())) == 5, "two documents, and the facts' vectors"

    play(first, with_model=True)
    play(second, with_model=True)


def test_after_a_restart_documents_are_there_before_anything_is_read(
    play: Callable[..., Desk],
) -> None:
    async def first(desk: Desk) -> None:
        desk.put("returns.md", RETURNS)
        desk.put("parking.txt", "Parking behind our office is free of charge.")
        await desk.look()

    async def second(desk: Desk) -> None:
        desk.put("parking.txt", "Parking behind our office costs a dollar.")
        await desk.library.recall()
        assert desk.sources()[0] == "kb:documents/returns.md#Routers"
        assert desk.library.index(desk.snapshot.knowledge).ranking == "fused"
        assert [document.name for document in desk.library.documents] == ["returns.md"]
        await desk.look()
        assert len(desk.library.documents) == 2

    play(first, with_model=True)
    play(second, with_model=True)


def test_a_document_is_found_by_words_while_it_is_being_encoded(play: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        desk.put("returns.md", RETURNS)
        await desk.look(times=1)
        by_words, by_both = desk.published
        assert by_words.ranking == "bm25"
        assert by_both.ranking == "fused"
        assert by_words.search(QUESTION, 1) == by_both.search(QUESTION, 1)

    play(scenario, with_model=True)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("scan.pdf", pdf(""), "scan.pdf is a PDF without text, perhaps scanned pages."),
        ("locked.pdf", pdf("Words.", encrypted=True), "locked.pdf is a PDF locked with a password"),
        ("cut.pdf", pdf("Words.")[:150], "cut.pdf is no PDF, or a damaged one."),
        ("bomb.docx", word(padding=120_000_000), "bomb.docx would unpack to 120 MB"),
        ("noise.txt", bytes(range(256)) * 50, "noise.txt is no text"),
        ("empty.txt", b"", "empty.txt is empty."),
    ],
)
def test_what_cannot_be_read_is_named_and_costs_the_others_nothing(
    play: Callable[..., Desk], name: str, content: bytes, sentence: str
) -> None:
    async def scenario(desk: Desk) -> None:
        desk.put("returns.md", RETURNS)
        desk.put(name, content)
        await desk.look()
        assert sentence in desk.complaint()
        assert desk.warnings == [desk.complaint()], "told once, however often it is looked at"
        assert desk.sources()[0] == "kb:documents/returns.md#Routers"

    play(scenario)


def test_a_document_spoilt_by_an_edit_is_still_answered_from(play: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        desk.put("guide.pdf", pdf("Rented routers go back within 21 days."))
        await desk.look()
        desk.put("guide.pdf", pdf("Rented routers go back within 21 days.")[:100])
        await desk.look()
        assert "guide.pdf is no PDF" in desk.complaint()
        assert desk.sources()[0] == "kb:documents/guide.pdf#page 1"

    play(scenario)


def test_a_document_of_200_mb_is_never_opened_for_reading(play: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        desk.put("returns.md", RETURNS)
        with (desk.folder / "huge.pdf").open("wb") as huge:
            huge.truncate(200_000_000)
        await desk.look()
        assert "huge.pdf is 200 MB large; at most 50 MB are read." in desk.complaint()

    play(scenario)


def test_nothing_outside_the_folder_is_read(play: Callable[..., Desk], tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        (tmp_path / "secret.txt").write_text("The password of everything is swordfish.")
        (desk.folder / "link.txt").symlink_to(tmp_path / "secret.txt")
        (desk.folder / "elsewhere").symlink_to(tmp_path)
        os.mkfifo(desk.folder / "pipe.txt")
        (desk.folder / "returns.md").write_text(RETURNS)
        (desk.folder / "copy.md").symlink_to(desk.folder / "returns.md")
        await desk.look()
        complaints = " ".join(desk.library.complaints)
        assert "link.txt is a link to outside the folder" in complaints
        assert "pipe.txt is no file" in complaints
        assert desk.sources("password of everything")[:1] != ["kb:documents/link.txt"]
        assert "kb:documents/copy.md#Routers" in desk.sources()

    play(scenario)


def test_a_file_that_vanishes_while_it_is_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanished(place: Path, entry: folder.Entry) -> None:
        entry.path.unlink()
        folder.open_document(place, entry)

    async def scenario() -> None:
        (tmp_path / "gone.txt").write_text("Words that nobody reads.")
        shelf = Shelf(tmp_path, tmp_path / "cache")
        monkeypatch.setattr("backend.agent.documents.shelf.open_document", vanished)
        await shelf.look()
        (document,) = shelf.documents
        assert "cannot be opened: No such file" in document.complaint
        await shelf.look()
        assert shelf.documents == (), "it is gone, and so is the complaint"

    asyncio.run(scenario())


def test_a_parser_that_takes_too_long_is_ended(
    play: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "WALL_LIMIT_S", 0.0)

    async def scenario(desk: Desk) -> None:
        desk.put("slow.md", RETURNS)
        await desk.look()
        assert "slow.md takes too much memory or time to read." in desk.complaint()

    play(scenario)


def test_the_files_about_the_folder_are_no_documents(play: Callable[..., Desk]) -> None:
    async def scenario(desk: Desk) -> None:
        for name in ("README.md", ".hidden.txt", "~$returns.docx", ".git/config.txt"):
            desk.put(name, "Not for callers at all.")
        await desk.look()
        assert desk.library.documents == ()

    play(scenario)
