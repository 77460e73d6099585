"""Documents as operators drop them in, well and ill, made by hand; and an encoder of words."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from backend.agent.intents.encoder import Vectors
from backend.agent.retrieval.bm25 import content_words

RETURNS = """# Returning equipment

## Routers

Rented routers go back to us within 21 days after the contract has ended.
Bring them to our office, or ask for a prepaid parcel label.

## Damaged devices

A device that was dropped or got wet costs 45 dollars.
"""


def pdf(*pages: str, encrypted: bool = False) -> bytes:
    """A PDF with one line of text a page."""
    parts = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Count {} /Kids [{}] >>".format(
            len(pages), " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in enumerate(pages):
        drawn = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET" if text else ""
        parts += [
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792]"
            f" /Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * number} 0 R >>",
            f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream",
        ]
    lock = ""
    if encrypted:
        secret = "00" * 32
        parts.append(f"<< /Filter /Standard /V 1 /R 2 /O <{secret}> /U <{secret}> /P -4 >>")
        lock = f" /Encrypt {len(parts)} 0 R /ID [<{'01' * 16}> <{'01' * 16}>]"
    return _joined(parts, lock)


def _joined(parts: Sequence[str], lock: str) -> bytes:
    whole, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(whole))
        whole += f"{number} 0 obj\n{part}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(parts) + 1
    return (
        whole
        + (
            f"xref\n0 {size}\n0000000000 65535 f \n{table}"
            f"trailer\n<< /Size {size} /Root 1 0 R{lock} >>\nstartxref\n{len(whole)}\n%%EOF\n"
        ).encode()
    )


def word(*paragraphs: tuple[str, str], padding: int = 0) -> bytes:
    """A Word document of (style, text); `padding` bytes of nothing that pack to almost nothing."""
    name = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    body = "".join(
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>'
        for style, text in paragraphs
    )
    kinds = "http://schemas.openxmlformats.org/package/2006"
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    files = {
        "[Content_Types].xml": f'<Types xmlns="{kinds}/content-types"><Override'
        f' PartName="/word/document.xml" ContentType="{main}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{kinds}/relationships"><Relationship Id="1" Type='
        '"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"'
        ' Target="word/document.xml"/></Relationships>',
        "word/document.xml": f"<w:document {name}><w:body>{body}</w:body></w:document>",
        "word/styles.xml": f"<w:styles {name}>"
        + "".join(
            f'<w:style w:type="paragraph" w:styleId="Heading{n}"><w:name w:val="heading {n}"/>'
            "</w:style>"
            for n in (1, 2)
        )
        + "</w:styles>",
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{kinds}/relationships">'
        '<Relationship Id="1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        'relationships/styles" Target="styles.xml"/></Relationships>',
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        if padding:
            archive.writestr("word/media/image1.bmp", bytes(padding))
    return buffer.getvalue()


class WordVectors:
    """Encodes a text as its words, the same for those that mean the same: near is alike."""

    fingerprint = "words"
    folder = Path()
    SAME: ClassVar = {"refund": "money", "bill": "money", "modem": "router", "routers": "router"}

    def encode(self, text: str) -> NDArray[np.float32]:
        vector = np.zeros(256, np.float32)
        for said in content_words(text):
            known = self.SAME.get(said, said)
            vector[sum(ord(c) * 31**n for n, c in enumerate(known)) % 256] += 1
        return vector / max(1.0, float(np.linalg.norm(vector)))

    def encode_all(self, texts: Sequence[str]) -> Vectors:
        return np.array([self.encode(text) for text in texts], np.float32)
