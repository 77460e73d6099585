"""G.711 against the Recommendation's own numbers and its laws of arithmetic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from backend.audio.g711 import Law, decode, encode, power_table, silence_byte
from backend.audio.pcm import Pcm

ALL_SAMPLES = np.arange(65536, dtype=np.uint16).view(np.int16)
laws = pytest.mark.parametrize("law", list(Law))


@pytest.mark.parametrize(
    ("law", "code", "sample"),
    [
        # Decoder output values of ITU-T G.711 tables 2a and 1a, on the 16-bit scale.
        (Law.MU, 0x80, 32124),
        (Law.MU, 0x00, -32124),
        (Law.MU, 0xFF, 0),
        (Law.MU, 0xFE, 8),
        (Law.MU, 0x8F, 16764),
        (Law.MU, 0xEF, 132),
        (Law.A, 0xAA, 32256),
        (Law.A, 0x2A, -32256),
        (Law.A, 0xD5, 8),
        (Law.A, 0x55, -8),
        (Law.A, 0xC5, 264),
    ],
)
def test_codes_of_the_recommendation(law: Law, code: int, sample: int) -> None:
    assert decode(bytes([code]), law)[0] == sample
    assert encode(np.array([sample], dtype=np.int16), law) == bytes([code])


@laws
def test_every_code_survives_decoding_and_encoding(law: Law) -> None:
    codes = bytes(range(256))
    again = encode(decode(codes, law), law)
    # mu-law has two zeros; the negative one comes back as the positive.
    expected = codes.replace(b"\x7f", b"\xff") if law is Law.MU else codes
    assert again == expected


@laws
def test_no_sample_is_off_by_more_than_half_a_step(law: Law) -> None:
    back = decode(encode(ALL_SAMPLES, law), law).astype(int)
    error = np.abs(back - ALL_SAMPLES)
    magnitude = np.abs(ALL_SAMPLES.astype(int))
    # A step is a sixteenth of its segment, segments double, mu-law's are shifted by 132.
    assert np.all(error <= np.maximum((magnitude + 132) / 32, 8) + 1)


@laws
def test_louder_never_becomes_quieter(law: Law) -> None:
    order = np.sort(ALL_SAMPLES)
    back = decode(encode(order, law), law)
    assert np.all(np.diff(back.astype(int)) >= 0)


@given(npst.arrays(np.int16, st.integers(0, 400)), st.sampled_from(list(Law)))
def test_encoding_again_changes_nothing(pcm: Pcm, law: Law) -> None:
    once = decode(encode(pcm, law), law)
    assert np.array_equal(decode(encode(once, law), law), once)
    assert len(encode(pcm, law)) == len(pcm)


@laws
def test_strided_samples_are_encoded_as_they_read(law: Law) -> None:
    assert encode(ALL_SAMPLES[::7], law) == encode(ALL_SAMPLES[::7].copy(), law)


def test_silence_and_power() -> None:
    assert (silence_byte(Law.MU), silence_byte(Law.A)) == (0xFF, 0xD5)
    assert power_table(Law.MU)[0x80] == 32124.0**2
