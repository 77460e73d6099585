"""`frontdesk parts ensure`, and the first step of `up`."""

from backend.config import Settings
from backend.core.errors import PartMissingError
from backend.parts.finder import ensure
from backend.parts.program import Progress

SPEECH_PARTS = ("flite", "espeak-ng")
TEST_PARTS = ("chromium", "postgresql")


def ensure_parts(settings: Settings, progress: Progress, *, for_tests: bool = False) -> None:
    """Fetch what is missing.

    Asterisk must be there (when it is ours): raises PartMissingError. A missing voice program is
    only said: the ladder of synthesisers has further rungs. Tests need all of them.
    """
    if settings.pbx == "own":
        ensure("asterisk", settings.data_dir, progress, named=settings.asterisk)
    for name in SPEECH_PARTS:
        try:
            ensure(name, settings.data_dir, progress)
        except PartMissingError as error:
            if for_tests:
                raise
            progress(str(error))
    if for_tests:
        for name in TEST_PARTS:
            ensure(name, settings.data_dir, progress)
