"""Language models: Ollama fetches and keeps them itself, on its own machine; we ask it to."""

import json
from collections.abc import Callable, Iterator

import httpx
import ollama
import pydantic

from backend.core.errors import ModelError

ATTEMPTS = 5
"""Connections cut in a row without a byte gained before we give up."""
FIRST_PAUSE_S = 1.0
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 300.0
"""Checking the sum of some gigabytes takes Ollama a while in which it says nothing."""
_DONE = "success"
_NO_SUCH_MODEL = ("file does not exist", "not found", "invalid model name")
_NOT_OLLAMA = (json.JSONDecodeError, pydantic.ValidationError, AttributeError, TypeError)
"""What the client raises for lines that are not Ollama's; it does not check them."""
_HOPELESS = (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL, ConnectionError)


class _Cut(Exception):  # noqa: N818 - a state to go on from, not yet an error
    """The connection ended before the model was there."""


def pull(
    url: str,
    model: str,
    progress: Callable[[int, int], None],
    pause: Callable[[float], None],
) -> None:
    """Have the Ollama at `url` fetch `model`; back when it is whole and verified.

    `progress`: bytes there and bytes in all, as far as Ollama knows of them yet. A cut connection
    is taken up again; Ollama keeps what it has. Blocking. Raises ModelError.
    """
    if not model:
        raise ModelError("Which model?", fix="Name it: frontdesk models fetch ollama:NAME")
    timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    most, failures = 0, 0
    with ollama.Client(host=url, timeout=timeout, trust_env=False) as client:
        while True:
            before = most
            try:
                for done, total in _pulled(client, url, model):
                    most = max(most, done)
                    progress(done, total)
                return
            except _HOPELESS as error:
                raise ModelError(
                    f"Ollama does not answer on {url}.",
                    fix="Start it with `ollama serve`, or set FRONTDESK_OLLAMA_URL.",
                ) from error
            except (_Cut, httpx.HTTPError) as error:
                failures = 1 if most > before else failures + 1
                if failures >= ATTEMPTS:
                    raise ModelError(
                        f"The connection to Ollama on {url} keeps breaking.",
                        fix="Ollama keeps what it has; fetch again to go on.",
                    ) from error
                pause(FIRST_PAUSE_S * 2 ** (failures - 1))


def _pulled(client: ollama.Client, url: str, model: str) -> Iterator[tuple[int, int]]:
    """Bytes there and in all, over the layers Ollama has begun."""
    layers: dict[str, tuple[int, int]] = {}
    status = ""
    try:
        for part in client.pull(model, stream=True):
            status = part.status or ""
            if part.digest and part.total:
                layers[part.digest] = (part.completed or 0, part.total)
                done, total = zip(*layers.values(), strict=True)
                yield sum(done), sum(total)
    except ollama.ResponseError as error:
        raise _refusal(model, error.error) from error
    except _NOT_OLLAMA as error:
        raise ModelError(
            f"What answers on {url} is not Ollama.", fix="Check FRONTDESK_OLLAMA_URL."
        ) from error
    if status != _DONE:
        raise _Cut(status)


def _refusal(model: str, complaint: str) -> ModelError:
    plain = " ".join(complaint.split())[:200]
    if any(sign in plain.lower() for sign in _NO_SUCH_MODEL):
        return ModelError(
            f"There is no model {model} where Ollama fetches from.",
            fix="See https://ollama.com/library for their names.",
        )
    return ModelError(
        f"Ollama could not fetch {model}: {plain}",
        fix="Ollama keeps what it has; fetch again to go on.",
    )
