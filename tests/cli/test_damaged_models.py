"""Damaged model folders, given to every command that loads a model: exit code 2 with the file and what to do."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st
from peft import LoraConfig, TaskType, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, BertConfig, BertForTokenClassification

from deidsynth.models.settings_file import ModelSettings, TaggerSettings
from tiny_models import TEXTS, bert_tokenizer, one_thread, save_tiny

__all__ = ["one_thread"]

TAGS = ("O", "B-NAME", "I-NAME")
TAGGER, LM = "tagger", "lm"
Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tagger and a language model, both with random weights, and with notes."""
    root = tmp_path_factory.mktemp("whole")
    torch.manual_seed(7)
    tokenizer = bert_tokenizer()
    shape = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=64, id2label=dict(enumerate(TAGS)), label2id={tag: n for n, tag in enumerate(TAGS)},
    )  # fmt: skip
    BertForTokenClassification(shape).save_pretrained(root / TAGGER)
    tokenizer.save_pretrained(root / TAGGER)
    ModelSettings(tagger=TaggerSettings(window_tokens=30, whole_words=True)).save(root / TAGGER)
    save_tiny("llama", root / LM)
    ModelSettings(language="sv").save(root / LM)
    rows = [{"doc_id": str(n), "text": text, "entities": []} for n, text in enumerate(TEXTS[:4])]
    for row in rows:
        row["entities"] = [{"start": 0, "end": 5, "label": "NAME"}]
    (root / "notes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return root


@pytest.fixture
def place(whole: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return Path(shutil.copytree(whole, tmp_path / "place"))


COMMANDS: dict[str, dict[str, tuple[str, ...]]] = {
    TAGGER: {
        "deidentify": ("deidentify", TAGGER, "notes.jsonl", "--output", "out.jsonl"),
        "annotate": ("annotate", TAGGER, "notes.jsonl", "--output", "out.jsonl"),
        "train": ("train", "notes.jsonl", "--encoder", f"./{TAGGER}", "--output", "out", "--set", "epochs=1"),
        "run": ("run", "--corpus", "notes.jsonl", "--language", "sv", "--set", f"train.encoder=./{TAGGER}"),
    },
    LM: {
        "synthesize": ("synthesize", LM, "--bos", "-n", "1", "--output", "out.jsonl", "--set", "max_length_tokens=8"),
        "adapt": ("adapt", "--corpus", "notes.jsonl", "--base", f"./{LM}", "--output", "out", "--set", "epochs=1"),
        "run": ("run", "--corpus", "notes.jsonl", "--language", "sv", "--set", f"adapt.base=./{LM}"),
    },
}
for _commands in COMMANDS.values():
    _commands["dry run"] = (*_commands["run"], "--dry-run")


def _call(deidsynth: Any, place: Path, command: tuple[str, ...]) -> Any:
    before = Path.cwd()
    os.chdir(place)
    try:
        return deidsynth(*command, "--device", "cpu")
    finally:
        os.chdir(before)


def _refused(deidsynth: Any, place: Path, command: tuple[str, ...], *words: str) -> None:
    result = _call(deidsynth, place, command)
    assert result.exit_code == 2, (command, result.stderr, result.exception)
    told = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(told) == 1, result.stderr
    for word in words:
        assert word in told[0]
    assert any(remedy in told[0].lower() for remedy in ("copy", "download", "give", "remove", "train"))
    assert not [path.name for path in place.iterdir() if path.name.startswith(("out", ".out"))]


def written(file: str, content: str | bytes) -> Change:
    """A change of a whole file."""
    plain = content.encode() if isinstance(content, str) else content
    return lambda folder: void((folder / file).write_bytes(plain))


def void(_: object) -> None:
    """Nothing."""


def edited(file: str, change: Callable[[Any], object]) -> Change:
    """A change in the content of a JSON file."""

    def make(folder: Path) -> None:
        plain = json.loads((folder / file).read_text(encoding="utf-8"))
        change(plain)
        (folder / file).write_text(json.dumps(plain), encoding="utf-8")

    return make


def config(**keys: object) -> Change:
    return edited("config.json", lambda plain: plain.update(keys))


def tokenizer(change: Callable[[Any], object]) -> Change:
    return edited("tokenizer.json", change)


def fifo(file: str) -> Change:
    def make(folder: Path) -> None:
        (folder / file).unlink(missing_ok=True)
        os.mkfifo(folder / file)

    return make


def cut(file: str, share: float = 0.5) -> Change:
    def make(folder: Path) -> None:
        content = (folder / file).read_bytes()
        (folder / file).write_bytes(content[: int(len(content) * share)])

    return make


def _undefined(plain: Any) -> None:
    plain["post_processor"]["special_tokens"] = {}


BOTH: dict[str, tuple[str, Change]] = {
    "a list as configuration": ("config.json: it is not a JSON object", written("config.json", "[]")),
    "a nested configuration": ("config.json: it is cut off or is no JSON", written("config.json", "[" * 9000)),
    "a size in words": ("config.json: hidden_size is not a whole number", config(hidden_size="x")),
    "no heads": ("config.json: num_attention_heads is not", config(num_attention_heads=0)),
    "layers without end": ("config.json: num_hidden_layers is not", config(num_hidden_layers=10**9)),
    "labels without end": ("config.json: num_labels is not", config(num_labels=10**9)),
    "quantized weights": ("config.json: its weights are quantized", config(quantization_config={"a": "fp8"})),
    "a strange dtype": ("config.json: dtype is none of", config(dtype="no_grad")),
    "an old strange dtype": ("config.json: torch_dtype is none of", config(torch_dtype=["float32"])),
    "weights elsewhere": ("config.json: it names other files", config(transformers_weights="adapter_model.bin")),
    "no model": ("tokenizer.json: it has no model", tokenizer(lambda plain: plain.pop("model"))),
    "no vocabulary": ("tokenizer.json: it has no model", tokenizer(lambda plain: plain["model"].pop("vocab"))),
    "empty": ("tokenizer.json: it has no model", tokenizer(lambda plain: plain["model"].update(vocab={}))),
    "an unknown model": ("tokenizer.json", tokenizer(lambda plain: plain["model"].update(type="x"))),
    "a template without tokens": ("tokenizer.json: its post_processor", tokenizer(_undefined)),
    "an unknown processor": ("tokenizer.json", tokenizer(lambda plain: plain.update(post_processor={"type": "x"}))),
    "a strange token": ("special_tokens_map.json", written("special_tokens_map.json", '{"a": {"\\u001b[31m": 1}}')),
    "a list as settings": ("deidsynth.json", written("deidsynth.json", "[]")),
    "settings cut off": ("deidsynth.json", cut("deidsynth.json")),
    "a list for sampling": ("generation_config.json: it is not", written("generation_config.json", "[]")),
    "sampling cut off": ("generation_config.json: it is cut off", written("generation_config.json", '{"a":')),
    "weights cut off": ("model.safetensors: its weights are damaged", cut("model.safetensors")),
    "a header cut off": ("model.safetensors: its weights are damaged", cut("model.safetensors", 0.01)),
    "a pipe": ("config.json", fifo("config.json")),
    "a pipe as tokenizer": ("tokenizer.json: is not an ordinary file", fifo("tokenizer.json")),
    "a pipe as settings": ("deidsynth.json: is not an ordinary file", fifo("deidsynth.json")),
}  # fmt: skip


@pytest.mark.parametrize("damage", BOTH)
@pytest.mark.parametrize("kind", [TAGGER, LM])
def test_every_command_refuses_a_damaged_folder(deidsynth: Any, place: Path, kind: str, damage: str) -> None:
    words, change = BOTH[damage]
    change(place / kind)
    for name, command in COMMANDS[kind].items():
        # Those that begin anew do not read what an earlier training left.
        if words != "deidsynth.json" or name in ("deidentify", "annotate", "synthesize"):
            _refused(deidsynth, place, command, words)


def test_whole_folders_are_used(deidsynth: Any, place: Path) -> None:
    for kind, commands in COMMANDS.items():
        for name in {*commands} - {"run"}:
            result = _call(deidsynth, place, commands[name])
            assert result.exit_code == 0, (kind, name, result.stderr)
            for path in place.glob("out*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


# Weights


def _without(folder: Path, *names: str) -> None:
    weights = load_file(folder / "model.safetensors")
    kept = {key: value for key, value in weights.items() if not key.startswith(names)}
    assert len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def test_a_tagger_without_its_head_is_not_given_a_random_one(deidsynth: Any, place: Path) -> None:
    _without(place / TAGGER, "classifier")
    for name in ("deidentify", "annotate"):
        words = ("its weights lack 2 that its config.json describes (classifier.bias)", "was not trained for this")
        _refused(deidsynth, place, COMMANDS[TAGGER][name], *words)
    assert _call(deidsynth, place, COMMANDS[TAGGER]["train"]).exit_code == 0  # its head is new anyway


def test_one_missing_weight_is_enough(deidsynth: Any, place: Path) -> None:
    _without(place / TAGGER, "classifier.bias")
    _refused(deidsynth, place, COMMANDS[TAGGER]["deidentify"], "lack 1 that")
    _without(place / LM, "model.layers.1.mlp.up_proj")
    for name in ("synthesize", "adapt"):
        _refused(deidsynth, place, COMMANDS[LM][name], "its weights do not match its config.json")


def test_a_language_model_without_output_layer_is_not_given_a_random_one(deidsynth: Any, place: Path) -> None:
    config(tie_word_embeddings=False)(place / LM)
    weights = load_file(place / LM / "model.safetensors")
    weights.pop("lm_head.weight", None)
    save_file(weights, place / LM / "model.safetensors", metadata={"format": "pt"})
    for name in ("synthesize", "adapt"):
        _refused(deidsynth, place, COMMANDS[LM][name], "lack 1 that its config.json describes (lm_head.weight)")


def test_weights_that_are_no_numbers(deidsynth: Any, place: Path) -> None:
    for kind, name in ((TAGGER, "deidentify"), (LM, "synthesize"), (LM, "adapt")):
        weights = load_file(place / kind / "model.safetensors")
        weights = {key: torch.full_like(value, torch.nan) for key, value in weights.items()}
        save_file(weights, place / kind / "model.safetensors", metadata={"format": "pt"})
        _refused(deidsynth, place, COMMANDS[kind][name], "its weights are damaged (not numbers)")


def _sharded(folder: Path, suffix: str) -> None:
    """Put the weights into a file of another name, which an index names."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    name = f"model-00001-of-00001{suffix}"
    if suffix == ".safetensors":
        save_file(weights, folder / name, metadata={"format": "pt"})
    else:
        torch.save(weights, folder / name)
    index = {"metadata": {"total_size": 1}, "weight_map": dict.fromkeys(weights, name)}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


@pytest.mark.parametrize("kind", [TAGGER, LM])
def test_shards_are_used_unless_they_are_pickled(deidsynth: Any, place: Path, kind: str) -> None:
    _sharded(place / kind, ".safetensors")
    name = "deidentify" if kind == TAGGER else "synthesize"
    result = _call(deidsynth, place, COMMANDS[kind][name])
    assert result.exit_code == 0, result.stderr
    (place / "out.jsonl").unlink()
    for left in place.glob("out.jsonl*"):
        left.unlink()
    shutil.copy(place / kind / "model-00001-of-00001.safetensors", place / kind / "model.safetensors")
    _sharded(place / kind, ".bin")
    for command in COMMANDS[kind].values():
        _refused(deidsynth, place, command, "model.safetensors.index.json", "pickled weights are never loaded")


@pytest.mark.parametrize(
    "name", ["../lm/model.safetensors", "/etc/x.safetensors", "..\\x.safetensors", "a/b.safetensors"]
)
def test_an_index_does_not_leave_its_folder(deidsynth: Any, place: Path, name: str) -> None:
    _sharded(place / TAGGER, ".safetensors")
    edited("model.safetensors.index.json", lambda plain: plain.update(weight_map={"a": name}))(place / TAGGER)
    for command in COMMANDS[TAGGER].values():
        _refused(deidsynth, place, command, "model.safetensors.index.json", "something else than safetensors files in")


@pytest.mark.parametrize("content", [{}, {"weight_map": []}, {"weight_map": {}}, {"weight_map": {"a": 5}}])
def test_an_index_that_names_nothing(deidsynth: Any, place: Path, content: object) -> None:
    _sharded(place / LM, ".safetensors")
    (place / LM / "model.safetensors.index.json").write_text(json.dumps(content), encoding="utf-8")
    _refused(deidsynth, place, COMMANDS[LM]["synthesize"], "model.safetensors.index.json")


def test_a_shard_that_is_missing(deidsynth: Any, place: Path) -> None:
    _sharded(place / LM, ".safetensors")
    (place / LM / "model-00001-of-00001.safetensors").unlink()
    for command in COMMANDS[LM].values():
        _refused(deidsynth, place, command, "it names model-00001-of-00001.safetensors, which is missing")


# Settings, tokenizers and sizes that fit no weights


@pytest.mark.parametrize(
    ("words", "change"),
    [
        (
            "its transitions are not one number",
            edited("deidsynth.json", lambda p: p["tagger"].update(transitions=[[1]])),
        ),
        ("is not a tagger", config(id2label={"0": 5})),
        ("is not a tagger", config(id2label={"0": "O", "1": "B-NAME"})),
        ("ensemble-2", edited("deidsynth.json", lambda plain: plain["tagger"].update(ensemble_size=10**9))),
        ("has no room for text", edited("tokenizer_config.json", lambda plain: plain.update(model_max_length=2))),
        ("tokenizer_config.json", edited("tokenizer_config.json", lambda plain: plain.update(model_max_length="x"))),
        ("no embeddings for", tokenizer(lambda plain: plain["model"]["vocab"].update(zzz=10**6))),
        ("does not work as its config.json", config(hidden_act="x")),
        ("its weights do not match", config(vocab_size=7)),
    ],
)
def test_a_tagger_whose_files_contradict_each_other(deidsynth: Any, place: Path, words: str, change: Change) -> None:
    change(place / TAGGER)
    for name in ("deidentify", "annotate"):
        _refused(deidsynth, place, COMMANDS[TAGGER][name], words)


def test_an_ensemble_has_the_same_tags_throughout(deidsynth: Any, place: Path) -> None:
    shutil.copytree(place / TAGGER, place / TAGGER / "ensemble-2")
    edited("deidsynth.json", lambda plain: plain["tagger"].update(ensemble_size=2))(place / TAGGER)
    assert _call(deidsynth, place, COMMANDS[TAGGER]["deidentify"]).exit_code == 0
    for left in place.glob("out.jsonl*"):
        left.unlink()
    config(id2label={"0": "O", "1": "I-NAME", "2": "B-NAME"})(place / TAGGER / "ensemble-2")
    _refused(deidsynth, place, COMMANDS[TAGGER]["deidentify"], "ensemble-2", "its tags are not those of the ensemble")


def test_sampling_defaults_that_contradict_each_other_are_no_damage(deidsynth: Any, place: Path) -> None:
    written("generation_config.json", '{"do_sample": false, "temperature": 0.6}')(place / LM)
    for name in ("synthesize", "adapt"):  # hubs have many of these; sampling here does not read them
        result = _call(deidsynth, place, COMMANDS[LM][name])
        assert result.exit_code == 0, result.stderr


# Adapters


@pytest.fixture
def adapter(place: Path) -> Path:
    """An adapter of the language model, with weights that are not those that it began with."""
    base, folder = (place / LM).resolve(), place / "adapter"
    torch.manual_seed(3)
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base),
        LoraConfig(r=2, target_modules=["q_proj", "up_proj"], task_type=TaskType.CAUSAL_LM, init_lora_weights=False),
    )
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    return folder


ADAPTED = ("synthesize", "adapter", *COMMANDS[LM]["synthesize"][2:])


def test_an_adapter_is_used(deidsynth: Any, place: Path, adapter: Path) -> None:
    result = _call(deidsynth, place, ADAPTED)
    assert result.exit_code == 0, result.stderr


def _pickled(folder: Path) -> None:
    torch.save(load_file(folder / "adapter_model.safetensors"), folder / "adapter_model.bin")
    (folder / "adapter_model.safetensors").unlink()


def _half(folder: Path) -> None:
    weights = load_file(folder / "adapter_model.safetensors")
    save_file({key: weights[key] for key in sorted(weights)[:3]}, folder / "adapter_model.safetensors")


def adapter_config(**keys: object) -> Change:
    return edited("adapter_config.json", lambda plain: plain.update(keys))


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("adapter_model.safetensors: is missing", lambda folder: (folder / "adapter_model.safetensors").unlink()),
        ("pickled weights are never loaded", _pickled),
        ("adapter_model.safetensors: lacks", _half),
        ("adapter_model.safetensors: lacks", adapter_config(target_modules=["q_proj", "up_proj", "v_proj"])),
        ("adapter_model.safetensors: its weights are damaged", cut("adapter_model.safetensors")),
        ("adapter_config.json: it is not a JSON object", written("adapter_config.json", "[]")),
        ("adapter_config.json: it is cut off", cut("adapter_config.json")),
        ("adapter_config.json: its peft_type is not LORA", adapter_config(peft_type="IA3")),
        ("adapter", adapter_config(r=0)),
        ("adapter", adapter_config(r=4)),
        ("adapter", adapter_config(target_modules=["nothing"])),
        ("base_model_name_or_path is neither", adapter_config(base_model_name_or_path="../lm")),
        ("base_model_name_or_path is neither", adapter_config(base_model_name_or_path=None)),
        ("the model that it adapts is not there", adapter_config(base_model_name_or_path="/nowhere/lm")),
    ],
)
def test_a_damaged_adapter_is_refused(
    deidsynth: Any, place: Path, adapter: Path, words: str, change: Callable[[Path], object]
) -> None:
    change(adapter)
    _refused(deidsynth, place, ADAPTED, words)


def test_an_adapter_in_the_folder_of_a_model_does_not_replace_it(deidsynth: Any, place: Path, adapter: Path) -> None:
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        shutil.copy(adapter / name, place / TAGGER / name)
    for name in ("deidentify", "train"):
        _refused(deidsynth, place, COMMANDS[TAGGER][name], "adapter_config.json: belongs to an adapter")


# Any change of any JSON file

VALUES = (
    None,
    True,
    0,
    -1,
    1.5,
    2**31,
    2**64,
    1e308,
    float("nan"),
    "",
    "x",
    "\ud800",
    "../x",
    [],
    {},
    [None],
    {"a": 1},
)


def mutated(rng: random.Random, content: str) -> str:
    """The text of a JSON file with one value replaced, removed or wrapped, or cut off."""
    if rng.random() < 0.1:
        return content[: rng.randrange(len(content))]
    root = [json.loads(content)]
    holder: Any = root
    key: Any = 0
    while isinstance(holder[key], dict | list) and holder[key] and rng.random() < 0.8:
        holder = holder[key]
        key = rng.choice(list(holder)) if isinstance(holder, dict) else rng.randrange(len(holder))
    match rng.randrange(6):
        case 0 if holder is not root:
            del holder[key]
        case 1:
            holder[key] = [holder[key]]
        case 2 if isinstance(holder, dict):
            holder[f"{key}x"] = holder.pop(key)
        case _:
            holder[key] = rng.choice(VALUES)
    return json.dumps(root[0])


JSON_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "deidsynth.json", "generation_config.json")


@given(seed=st.integers(0, 2**32))
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_change_of_a_json_file_ends_in_use_or_refusal(
    deidsynth: Any, whole: Path, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    rng = random.Random(seed)
    kind = rng.choice([TAGGER, LM])
    place = tmp_path_factory.mktemp("any")
    shutil.copytree(whole, place, dirs_exist_ok=True)
    file = place / kind / rng.choice(JSON_FILES)
    if file.exists():
        file.write_text(mutated(rng, file.read_text(encoding="utf-8")), encoding="utf-8")
    name = rng.choice(["deidentify", "annotate"] if kind == TAGGER else ["synthesize"])
    for each in (name, "dry run"):
        result = _call(deidsynth, place, COMMANDS[kind][each])
        assert result.exit_code in (0, 2), (file.read_text(encoding="utf-8"), result.stderr, result.exception)
        assert result.exit_code == 0 or result.stderr.count("error: ") == 1
    shutil.rmtree(place)
