"""What Asterisk's REST interface refuses, with its own words kept."""

from backend.core.errors import LineError


class AriError(LineError):
    """A request was refused, or not answered at all."""

    code = "ari"

    def __init__(self, message: str, *, status: int = 0, reason: str = "", fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.status = status
        """HTTP status; 0 when there was no answer."""
        self.reason = reason
        """Asterisk's explanation."""
