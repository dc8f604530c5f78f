import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from deidsynth.digests import canonical_json, digest, file_digest, file_digests, hex_of, tree_digest

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_the_values_of_a_store_on_disk_stay_what_they_are() -> None:
    assert canonical_json({"b": [1, 2.5, None], "a": "å", "c": True}) == '{"a":"\\u00e5","b":[1,2.5,null],"c":true}'
    assert digest({"stage": "adapt", "seed": 1}) == (
        "sha256:" + hashlib.sha256(b'{"seed":1,"stage":"adapt"}').hexdigest()
    )
    assert digest({}) == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@given(PLAIN)
def test_canonical_json_holds_the_value_and_nothing_of_its_making(value: object) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_the_order_of_keys_does_not_count(mapping: dict[str, int]) -> None:
    assert digest(mapping) == digest(dict(reversed(mapping.items())))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_json_lacks_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json([value])


def test_a_file_is_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert file_digest(tmp_path / "a") == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hex_of(file_digest(tmp_path / "a")).startswith("ba7816bf")


def test_a_tree_is_its_paths_and_bytes(tmp_path: Path) -> None:
    def tree(name: str, files: dict[str, str]) -> Path:
        for path, text in files.items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_text(text)
        return tmp_path / name

    one = tree("one", {"a": "1", "b/c": "2"})
    assert list(file_digests(one)) == ["a", "b/c"]
    assert tree_digest(one) == tree_digest(tree("same", {"b/c": "2", "a": "1"}))
    (tmp_path / "same" / "empty").mkdir()
    assert tree_digest(one) == tree_digest(tmp_path / "same")
    others = [tree("moved", {"a": "1", "c": "2"}), tree("changed", {"a": "1", "b/c": "3"}), tree("fewer", {"a": "1"})]
    assert len({tree_digest(each) for each in [one, *others]}) == 4
