"""The models `frontdesk models fetch` knows: where they lie on the hub and how large they are."""

import difflib
from dataclasses import dataclass
from enum import StrEnum

from backend.core.errors import ModelError

PIPER_REPOSITORY = "rhasspy/piper-voices"


class ModelKind(StrEnum):
    """What a model is for; also the name of its folder under `<data_dir>/models/`."""

    WHISPER = "whisper"
    PIPER = "piper"
    SENTENCE = "sentence"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model on the hub."""

    path: str
    """Inside the repository; the last part is the file's name on this machine."""
    about_bytes: int
    """Approximate: for the list, and for what a resumed download has still to fetch."""

    @property
    def name(self) -> str:
        """Without folders."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """One model that can be fetched."""

    name: str
    kind: ModelKind
    repository: str
    files: tuple[ModelFile, ...]
    language: str
    """`en`, `de_DE`, …; empty: many."""
    summary: str

    @property
    def about_bytes(self) -> int:
        """All files together."""
        return sum(file.about_bytes for file in self.files)


_KB = 1000
_MB = 1000 * _KB


def _whisper(
    name: str, repository: str, model_mb: int, summary: str, *, large_v3: bool = False
) -> CatalogueModel:
    """Conversions of large-v3 and its kin carry 128 mel bands, hence one file more."""
    files = [
        ModelFile("config.json", 3 * _KB),
        ModelFile("tokenizer.json", 2200 * _KB),
        ModelFile("vocabulary.json", 1070 * _KB)
        if large_v3
        else ModelFile("vocabulary.txt", 460 * _KB),
        ModelFile("model.bin", model_mb * _MB),
    ]
    if large_v3:
        files.insert(0, ModelFile("preprocessor_config.json", _KB))
    english_only = name.endswith(".en") or name.startswith("distil")
    language = "en" if english_only else ""
    return CatalogueModel(name, ModelKind.WHISPER, repository, tuple(files), language, summary)


def _piper(name: str, model_mb: int, summary: str) -> CatalogueModel:
    """`name` is `<locale>-<speaker>-<quality>`, and so is the path in the repository."""
    locale, speaker, quality = name.split("-")
    path = f"{locale.partition('_')[0]}/{locale}/{speaker}/{quality}/{name}.onnx"
    files = (ModelFile(f"{path}.json", 5 * _KB), ModelFile(path, model_mb * _MB))
    return CatalogueModel(name, ModelKind.PIPER, PIPER_REPOSITORY, files, locale, summary)


WHISPER_MODELS = (
    _whisper(
        "large-v3",
        "Systran/faster-whisper-large-v3",
        3087,
        "The most accurate; needs a GPU.",
        large_v3=True,
    ),
    _whisper(
        "large-v3-turbo",
        "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        1618,
        "Nearly as accurate, several times as fast; GPU or many cores.",
        large_v3=True,
    ),
    _whisper(
        "distil-large-v3",
        "Systran/faster-distil-whisper-large-v3",
        1512,
        "English at large's accuracy, six times as fast.",
        large_v3=True,
    ),
    _whisper("medium.en", "Systran/faster-whisper-medium.en", 1528, "English; GPU or many cores."),
    _whisper("medium", "Systran/faster-whisper-medium", 1528, "GPU or many cores."),
    _whisper("small.en", "Systran/faster-whisper-small.en", 484, "English; eight good cores."),
    _whisper("small", "Systran/faster-whisper-small", 484, "Eight good cores."),
    _whisper("base.en", "Systran/faster-whisper-base.en", 145, "English; a good start on a CPU."),
    _whisper("base", "Systran/faster-whisper-base", 145, "A good start on a CPU."),
    _whisper("tiny.en", "Systran/faster-whisper-tiny.en", 76, "English; the fastest."),
    _whisper("tiny", "Systran/faster-whisper-tiny", 76, "The fastest."),
)
"""Best first; of two of a size the English one comes first, since it is better at English."""

PIPER_VOICES = (
    _piper("en_US-lessac-medium", 63, "American English, female, clear."),
    _piper("en_US-amy-medium", 63, "American English, female."),
    _piper("en_US-ryan-high", 121, "American English, male."),
    _piper("en_GB-alba-medium", 63, "Scottish English, female."),
    _piper("en_GB-alan-medium", 63, "British English, male."),
    _piper("de_DE-thorsten-medium", 63, "German, male."),
    _piper("fr_FR-siwis-medium", 63, "French, female."),
    _piper("es_ES-davefx-medium", 63, "Spanish of Spain, male."),
    _piper("es_MX-ald-medium", 63, "Spanish of Mexico, male."),
    _piper("it_IT-paola-medium", 63, "Italian, female."),
    _piper("pt_BR-faber-medium", 63, "Portuguese of Brazil, male."),
    _piper("pl_PL-gosia-medium", 63, "Polish, female."),
    _piper("nl_NL-mls-medium", 77, "Dutch, several speakers."),
    _piper("sv_SE-nst-medium", 63, "Swedish, male."),
)

SENTENCE_MODELS = (
    CatalogueModel(
        "all-MiniLM-L6-v2",
        ModelKind.SENTENCE,
        "sentence-transformers/all-MiniLM-L6-v2",
        (
            ModelFile("config.json", _KB),
            ModelFile("tokenizer.json", 466 * _KB),
            ModelFile("model.safetensors", 91 * _MB),
        ),
        "en",
        "English; tells by meaning what a caller wants. 24 MB once converted.",
    ),
)

CATALOGUE = {model.name: model for model in (*WHISPER_MODELS, *PIPER_VOICES, *SENTENCE_MODELS)}


def look_up(name: str) -> CatalogueModel:
    """The model of this name. Raises ModelError with the nearest names."""
    model = CATALOGUE.get(name)
    if model is None:
        close = difflib.get_close_matches(name, CATALOGUE, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(close)}?" if close else "See `frontdesk models list`."
        raise ModelError(f"There is no model called {name!r}.", fix=hint)
    return model
