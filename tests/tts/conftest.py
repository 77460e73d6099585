"""Real engines for the tests: flite, espeak-ng, and a Piper voice small enough to build here, which
hums for as long as the text is."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from backend.parts.finder import ensure
from backend.parts.program import Program
from tests.support.pbx import PARTS_HOME

VOICE_RATE_HZ = 22050
SAMPLES_PER_PHONEME = 1024


def build_piper_voice(folder: Path, name: str = "en_US-hum-tiny") -> Path:
    """A model with the inputs and output of a Piper voice, and its configuration beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / f"{name}.onnx"
    onnx.save(_humming_model(), model)
    symbols = ["_", "^", "$", " ", *"abcdefghijklmnopqrstuvwxyzæðŋɐɑɔəɚɛɜɡɪɹʃʊʌʒˈˌː.,?!;:"]
    config = {
        "audio": {"sample_rate": VOICE_RATE_HZ},
        "espeak": {"voice": "en-us"},
        "num_symbols": len(symbols),
        "num_speakers": 1,
        "phoneme_type": "espeak",
        "phoneme_id_map": {symbol: [index] for index, symbol in enumerate(symbols)},
    }
    Path(f"{model}.json").write_text(json.dumps(config), encoding="utf-8")
    return model


def _humming_model() -> onnx.ModelProto:
    """sin(0.05 n) for as many samples as there are phonemes, times a constant."""
    constants: dict[str, NDArray[Any]] = {
        "zero": np.array(0.0, np.float32),
        "one": np.array(1.0, np.float32),
        "per_phoneme": np.array(SAMPLES_PER_PHONEME, np.float32),
        "step": np.array(0.05, np.float32),
        "shape": np.array([1, 1, -1], np.int64),
        "scalar": np.array([], np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["input_lengths"], ["count"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["count", "scalar"], ["phonemes"]),
        helper.make_node("Mul", ["phonemes", "per_phoneme"], ["samples"]),
        helper.make_node("Range", ["zero", "samples", "one"], ["index"]),
        helper.make_node("Mul", ["index", "step"], ["phase"]),
        helper.make_node("Sin", ["phase"], ["hum"]),
        helper.make_node("Reshape", ["hum", "shape"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "hum",
        [
            helper.make_tensor_value_info("input", TensorProto.INT64, ["batch", "phonemes"]),
            helper.make_tensor_value_info("input_lengths", TensorProto.INT64, ["batch"]),
            helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, "time"])],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


@pytest.fixture(scope="session")
def flite() -> Program:
    """The machine's flite, or the repository's unpacked one."""
    return ensure("flite", PARTS_HOME, print)


@pytest.fixture(scope="session")
def espeak() -> Program:
    """The machine's espeak-ng, or the repository's unpacked one."""
    return ensure("espeak-ng", PARTS_HOME, print)


@pytest.fixture(scope="session")
def piper_voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of the model."""
    return build_piper_voice(tmp_path_factory.mktemp("piper"))
