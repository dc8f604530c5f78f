from __future__ import annotations

from hypothesis import given, strategies as st
from tokenizers.normalizers import Precompiled

from deidsynth.models.bases.character_map import precompiled

LETTERS = st.characters(categories=["Lu", "Ll", "Nd"], max_codepoint=0x2FFFF)
"""Characters that never join with their neighbors into one sign."""
REPLACEMENTS = st.text(st.sampled_from("abc ⁄ñ日"), min_size=1, max_size=4)


@given(st.dictionaries(LETTERS, REPLACEMENTS, max_size=40), st.data())
def test_every_character_becomes_what_the_map_says(character_map, data) -> None:
    text = data.draw(st.text(st.one_of(LETTERS, st.sampled_from([*character_map, "x"]))))
    expected = "".join(character_map.get(character, character) for character in text)
    assert Precompiled(precompiled(character_map)).normalize_str(text) == expected


def test_a_map_of_thousands() -> None:
    character_map = {chr(number): f"{number:x}" for number in range(0x100, 0x3000) if chr(number).isalpha()}
    normalizer = Precompiled(precompiled(character_map))
    for number in range(0x20, 0x3100):
        character = chr(number)
        assert normalizer.normalize_str(character) == character_map.get(character, character)
