"""Models by hub id, from a cache as the hub's own library fills it; the hub itself is never asked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

from tiny_models import save_tiny

COMMIT = "0" * 40
PROGRAM = """
import sys
from transformers import AutoModelForCausalLM
from deidsynth.errors import ModelNotFoundError, ModelNotUsableError
from deidsynth.models.loading import load_model, load_tokenizer
for name in sys.argv[1:]:
    try:
        load_tokenizer(name)
        load_model(AutoModelForCausalLM, name)
    except (ModelNotFoundError, ModelNotUsableError) as error:
        print(f"{name} {error}")
    else:
        print(f"{name} is used")
"""


def cached(home: Path, name: str, source: Path) -> Path:
    """The snapshot of a model in a cache."""
    place = home / "hub" / f"models--notes--{name}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    return Path(shutil.copytree(source, place / "snapshots" / COMMIT))


def test_pickled_shards_adapters_and_quantized_weights_of_the_hub_are_refused(tmp_path: Path) -> None:
    whole, home = save_tiny("llama", tmp_path / "llama"), tmp_path / "home"
    cached(home, "whole", whole)
    pickled = cached(home, "pickled", whole)
    weights = load_file(pickled / "model.safetensors")
    (pickled / "model.safetensors").unlink()
    torch.save(weights, pickled / "model-1.bin")
    index = {"metadata": {}, "weight_map": dict.fromkeys(weights, "model-1.bin")}
    (pickled / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    settings = {"peft_type": "LORA", "base_model_name_or_path": "notes/whole"}
    (cached(home, "adapted", whole) / "adapter_config.json").write_text(json.dumps(settings), encoding="utf-8")
    config = cached(home, "quantized", whole) / "config.json"
    plain = json.loads(config.read_text(encoding="utf-8")) | {"quantization_config": {"quant_method": "fp8"}}
    config.write_text(json.dumps(plain), encoding="utf-8")
    names = [f"notes/{name}" for name in ("whole", "pickled", "adapted", "quantized", "absent")]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *names],
        env=os.environ | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert said["notes/whole"] == "is used"
    for name, words in (
        ("pickled", "pickled weights are never loaded"),
        ("adapted", "belongs to an adapter"),
        ("quantized", "its weights are quantized"),
        ("absent", "To work offline"),
    ):
        assert words in said[f"notes/{name}"]
