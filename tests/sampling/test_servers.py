"""Real servers, where they are installed, with a model that ships with the package: what they draw is what we draw.

Servers that need an environment of their own are named by a variable: ``DEIDSYNTH_VLLM=/path/to/bin/vllm``.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from deidsynth.config import EndpointConfig
from deidsynth.models.language_model.added_tokens import AddedTokens
from deidsynth.models.language_model.causal_lm import add_tokens, embed, load_causal_lm
from deidsynth.models.language_model.codec import Codec
from deidsynth.sampling.endpoint import EndpointEngine
from deidsynth.sampling.engine import Engine, Request, SamplingSettings
from deidsynth.sampling.local import LocalEngine
from deidsynth.sampling.sent_prompts import TokenIdPrompts
from deidsynth.sampling.token_prompts import TokenPrompts
from deidsynth.starters import FOLDER
from frequencies import check_frequencies, nucleus
from tiny_models import NOTES

pytestmark = pytest.mark.slow

N_DOCUMENTS = 200
PROMPT = "Paciente de"
SETTINGS = {"temperature": 0.7, "top_p": 0.9}
ADDED = AddedTokens(("NAME",), inline=True, control_codes=("length",), length_bounds=(50, 100, 150))
STARTS_WITHIN_SECONDS = 180


@dataclass(frozen=True)
class Kind:
    """A server.

    Args:
        command: that starts it, from the folder of the model and the port; None where it is not installed.
        missing: why it is skipped then.
        health: path that answers when it is ready.
        endpoint: keys that suit it.
    """

    command: Callable[[Path, int], Sequence[str]] | None
    missing: str
    health: str
    endpoint: dict[str, Any]


def _transformers() -> Kind:
    needed = ("openai", "fastapi", "uvicorn")
    lacking = [name for name in needed if importlib.util.find_spec(name) is None]
    start = "from transformers.cli.transformers import app; app()"

    def command(folder: Path, port: int) -> Sequence[str]:
        options = ["--device", "cpu", "--dtype", "float32", "--host", "127.0.0.1", "--port", str(port)]
        return [sys.executable, "-c", start, "serve", str(folder), *options]

    return Kind(
        None if lacking else command,
        f"transformers serve needs {', '.join(lacking)}: pip install 'transformers[serving]'",
        "/health",
        {"takes": (), "requests_in_flight": 1},
    )


def _vllm() -> Kind:
    executable = os.environ.get("DEIDSYNTH_VLLM") or shutil.which("vllm")

    def command(folder: Path, port: int) -> Sequence[str]:
        options = ["--dtype", "float32", "--host", "127.0.0.1", "--port", str(port), "--served-model-name", str(folder)]
        return [str(executable), "serve", str(folder), *options, "--generation-config", "vllm"]

    missing = "vllm is not installed; set DEIDSYNTH_VLLM to the executable of an environment that has it"
    return Kind(command if executable else None, missing, "/health", {"prompts": "tokens"})


KINDS = {"transformers": _transformers(), "vllm": _vllm()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A starter with added tokens, with the generation settings that ``transformers serve`` needs."""
    model, tokenizer = load_causal_lm(str(FOLDER / "starter-xs"), "cpu", "fp32")
    embed(model, add_tokens(tokenizer, list(ADDED.tokens)))
    model.generation_config.do_sample, model.generation_config.top_k = True, 0
    place = tmp_path_factory.mktemp("served") / "model"
    model.save_pretrained(place)
    tokenizer.save_pretrained(place)
    return place


@pytest.fixture(scope="module", params=list(KINDS))
def served(request: pytest.FixtureRequest, folder: Path) -> Iterator[EndpointConfig]:
    """The configuration of a server that is running."""
    kind = KINDS[request.param]
    if kind.command is None:
        pytest.skip(kind.missing)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = folder.parent / f"{request.param}.log"
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(kind.command(folder, port), stdout=output, stderr=output, env=environment)
        try:
            _wait_for(f"http://127.0.0.1:{port}{kind.health}", process, log)
            yield EndpointConfig(base_url=f"http://127.0.0.1:{port}/v1", model=str(folder), **kind.endpoint)
        finally:
            process.terminate()
            process.wait(60)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"the server did not start:\n{log.read_text(encoding='utf-8')[-3000:]}")


def _engine(config: EndpointConfig, tokenizer: PreTrainedTokenizerBase) -> EndpointEngine:
    tokens = TokenIdPrompts(TokenPrompts(tokenizer, Codec(tokenizer, ADDED)))
    return EndpointEngine(config, tokens if config.prompts == "tokens" else None)


def _expected(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> dict[str, float]:
    """The probability of each first piece of text after the prompt; of EOS, the empty one."""
    ids = tokenizer(PROMPT)["input_ids"]
    with torch.no_grad():
        chances = nucleus(model(torch.tensor([ids])).logits[:, -1], **SETTINGS)[0]
    found: dict[str, float] = {}
    head = len(tokenizer.decode(ids, skip_special_tokens=True))
    for number in chances.nonzero().flatten().tolist():
        piece = tokenizer.decode([*ids, number], skip_special_tokens=True)[head:]
        found[piece] = found.get(piece, 0.0) + float(chances[number])
    return found


def _pieces(engine: Engine, length: int) -> list[str]:
    """The first pieces of text of documents with one token after the prompt."""
    asked = [Request(number, PROMPT, 0) for number in range(N_DOCUMENTS)]
    samples = engine.sample_batch(asked, SamplingSettings(max_length_tokens=length, **SETTINGS), 11)
    return [each.text.removeprefix(PROMPT) for each in samples]


def test_two_hundred_documents_have_the_distribution_of_this_process(served: EndpointConfig, folder: Path) -> None:
    model, tokenizer = load_causal_lm(str(folder), "cpu", "fp32")
    expected = _expected(model, tokenizer)
    n_prompt = len(tokenizer(PROMPT)["input_ids"])
    with_bos = served.prompts == "text"  # the server counts it then
    counted = n_prompt if with_bos else n_prompt - 1
    found = {
        "server": _pieces(_engine(served, tokenizer), counted + 1),
        "local": _pieces(LocalEngine(model, tokenizer, Codec(tokenizer, ADDED)), n_prompt),
    }
    classes = {piece: number for number, piece in enumerate(expected)}
    assert len(classes) > 10
    for pieces in found.values():
        assert len(pieces) == N_DOCUMENTS
        check_frequencies(torch.tensor([classes[piece] for piece in pieces]), torch.tensor(list(expected.values())))


def test_whole_documents_come_back(served: EndpointConfig, folder: Path) -> None:
    _, tokenizer = load_causal_lm(str(folder), "cpu", "fp32")
    codes = ADDED.control_codes_of(NOTES[0]) if served.prompts == "tokens" else ()
    asked = [Request(number, PROMPT, 0, control_codes=codes) for number in range(8)]
    settings = SamplingSettings(max_length_tokens=60, **SETTINGS)
    samples = _engine(served, tokenizer).sample_batch(asked, settings, 1)
    assert len({each.text for each in samples}) > 6
    assert all(each.text.startswith(PROMPT) and "<|" not in each.text for each in samples)
    assert all(20 < each.n_tokens <= 61 for each in samples if not each.ended)
