"""One small hierarchy of errors, each with a stable code and a sentence a person can act on."""

from typing import ClassVar


class FrontdeskError(Exception):
    """Anything Frontdesk reports to a person.

    `message` says what is wrong; `fix` says what to do about it (may be empty).
    `code` is stable and appears in logs, events and API answers.
    """

    code: ClassVar[str] = "frontdesk"

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message} {self.fix}".strip()


class ConfigError(FrontdeskError):
    """A setting is unknown or has a value that cannot work."""

    code = "config"


class PartMissingError(FrontdeskError):
    """A system part (Asterisk, flite, …) is neither installed nor could be fetched."""

    code = "part-missing"


class PbxError(FrontdeskError):
    """Asterisk did not start, stopped, or refused something."""

    code = "pbx"


class LineError(FrontdeskError):
    """A line's peer broke its protocol, or an operation on the line failed."""

    code = "line"


class EngineError(FrontdeskError):
    """A recogniser or synthesiser cannot be loaded or failed at work."""

    code = "engine"


class ModelError(FrontdeskError):
    """A downloadable model is missing, damaged, or cannot be fetched."""

    code = "model"


class KnowledgeError(FrontdeskError):
    """The knowledge base cannot be used; the message names the place in the file."""

    code = "knowledge"


class DocumentError(FrontdeskError):
    """A document cannot be read. `message` is the rest of a sentence that its name begins."""

    code = "document"


class StoreError(FrontdeskError):
    """The database refused or lost an operation."""

    code = "store"


class AudioError(FrontdeskError):
    """Audio data is damaged or of a kind we do not read."""

    code = "audio"


class HungUp(Exception):  # noqa: N818 - an event of the road, not an error
    """The caller has left. Raised by every operation on that caller's line."""
