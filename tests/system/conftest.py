"""One Frontdesk for all the calls of this folder."""

from collections.abc import Iterator

import pytest

from tests.support.frontdesk import Frontdesk, running_frontdesk

HUMAN = "2001"


@pytest.fixture(scope="session")
def frontdesk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frontdesk]:
    folder = tmp_path_factory.mktemp("frontdesk")
    with running_frontdesk(folder, human_extension=HUMAN, answer_wait_s=3) as running:
        yield running
