"""What the database room refuses, each kind with the code the API answers with."""

from backend.core.errors import StoreError


class NotFoundError(StoreError):
    """There is no such row."""

    code = "not-found"


class ConflictError(StoreError):
    """Somebody else changed the row since it was read."""

    code = "conflict"


class DuplicateError(StoreError):
    """A value that must be unique is taken."""

    code = "duplicate"


class InvalidError(StoreError):
    """A value that cannot be stored, or a page that does not exist."""

    code = "invalid"


class UnavailableError(StoreError):
    """The database cannot be used now: locked, full, unreachable, damaged, without tables."""

    code = "store-unavailable"
