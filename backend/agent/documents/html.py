"""HTML, and what is made into HTML first: markdown and Word documents."""

import re
import zipfile
from typing import BinaryIO

from bs4 import BeautifulSoup
from bs4.element import PreformattedString, Tag

from backend.agent.documents.section import Section, SectionWriter
from backend.core.errors import DocumentError

_NOT_SHOWN = (
    "script style template noscript nav svg iframe object embed head title button select".split()
)
_BLOCKS = (
    "p div section article main li dt dd tr pre blockquote figcaption caption address summary"
    " header footer aside br hr table ul ol dl".split()
)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BREAK, _HEADING = "\x1e", "\x1f"
MOST_UNPACKED_BYTES = 100 * 1000**2
"""Of a Word document: a thousand pages unpack to a tenth of it."""


def html_sections(page: str | bytes) -> list[Section]:
    """What a reader of the page sees, without scripts, styles and navigation.

    Bytes are decoded as the page declares.
    """
    soup = BeautifulSoup(page, "html.parser")
    title = soup.title.get_text() if soup.title else ""
    for tag in soup.find_all(_NOT_SHOWN):
        tag.decompose()
    for tag in soup.find_all(class_=re.compile(r"^(toc|nav|navheader|navfooter|breadcrumbs?)$")):
        if not tag.decomposed:
            tag.decompose()
    # What is left of line breaks is ours: those of the source mean nothing.
    for string in soup.find_all(string=True):
        if isinstance(string, PreformattedString):  # a comment, a declaration
            string.extract()
            continue
        string.replace_with(re.sub(r"[\s\x1e\x1f]+", " ", string))
    for tag in soup.find_all(["td", "th"]):
        tag.append(" ")
    for tag in soup.find_all(_BLOCKS):
        tag.insert_before(_BREAK)
        tag.insert_after(_BREAK)
    for tag in soup.find_all(_HEADINGS):
        _mark_heading(tag)
    writer = SectionWriter()
    writer.heading(0, title)
    for line in soup.get_text().split(_BREAK):
        if line.startswith(_HEADING):
            writer.heading(int(line[1]), line[2:])
        else:
            writer.paragraph(line)
    return writer.sections()


def _mark_heading(tag: Tag) -> None:
    text = tag.get_text().replace(_BREAK, " ")
    tag.string = f"{_BREAK}{_HEADING}{tag.name[1]}{text}{_BREAK}"


def markdown_sections(text: str) -> list[Section]:
    """CommonMark with tables; HTML in it is read as such."""
    from markdown_it import MarkdownIt

    return html_sections(MarkdownIt("commonmark").enable("table").render(text))


def word_sections(file: BinaryIO) -> list[Section]:
    """A .docx document. Raises DocumentError."""
    import mammoth

    try:
        with zipfile.ZipFile(file) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > MOST_UNPACKED_BYTES:
            raise DocumentError(
                f"would unpack to {unpacked / 1e6:.0f} MB; a Word document has less than"
                f" {MOST_UNPACKED_BYTES / 1e6:.0f} MB",
                fix="Take out what is not text, or split it.",
            )
        file.seek(0)
        pictures = mammoth.images.img_element(lambda _image: {"src": ""})
        page = mammoth.convert_to_html(file, convert_image=pictures).value
    except (zipfile.BadZipFile, KeyError) as error:
        raise DocumentError("is no Word document, or damaged", fix="Save it again.") from error
    return html_sections(page)
