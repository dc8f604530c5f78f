"""One run of one system of ``generation.py``, in a process of its own: a JSON object in, one out.

Nothing but the system's own packages is imported, so that a rival's environment needs no deidsynth.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

Batch = Sequence[Sequence[int]]
Sampler = Callable[[Batch, int], list[list[int]]]
"""Token ids of the prompts and a seed in; new token ids out, up to and with EOS where it was drawn."""


def _model(spec: dict[str, Any]) -> Any:
    import torch

    from deidsynth.models.language_model.causal_lm import load_causal_lm

    torch.set_num_threads(spec["threads"])
    return load_causal_lm(spec["model"], "cpu", spec["precision"])[0]


def _room(prompts: Batch, spec: dict[str, Any]) -> int:
    return int(spec["max_length"]) - max(map(len, prompts))


def ours(spec: dict[str, Any]) -> Sampler:
    """The loop for Llama-type models on the processor.

    Raises:
        SystemExit: it does not know this model.
    """
    from deidsynth.models.language_model.packing import SpecialTokenIds
    from deidsynth.sampling.cpu_decoding import CpuDecoder, supports
    from deidsynth.sampling.engine import SamplingSettings

    model, special = _model(spec), SpecialTokenIds(**spec["special_token_ids"])
    if not supports(model):
        raise SystemExit("our own loop does not know this model")
    settings, decoder = SamplingSettings(top_p=spec["top_p"]), CpuDecoder(model)
    return lambda prompts, seed: decoder.continuations(
        prompts, special, settings, max_new_tokens=_room(prompts, spec), seed=seed
    )


def stretches(spec: dict[str, Any]) -> Sampler:
    """``generate`` for 64 tokens at a time, finished rows dropped in between: our way for all other models."""
    from deidsynth.models.language_model.packing import SpecialTokenIds
    from deidsynth.sampling.decoding import continuations
    from deidsynth.sampling.engine import SamplingSettings

    model, special, settings = (
        _model(spec),
        SpecialTokenIds(**spec["special_token_ids"]),
        SamplingSettings(top_p=spec["top_p"]),
    )
    return lambda prompts, seed: continuations(
        model, prompts, special, settings, max_new_tokens=_room(prompts, spec), seed=seed
    )


def generate(spec: dict[str, Any]) -> Sampler:
    """``generate`` as transformers has it: one call for a batch, which lasts as long as its longest row."""
    import torch
    from transformers import GenerationConfig

    model, special = _model(spec), spec["special_token_ids"]
    ends = {"bos_token_id": special["bos"], "eos_token_id": special["eos"], "pad_token_id": special["pad"]}

    def sampler(prompts: Batch, seed: int) -> list[list[int]]:
        width, room = max(map(len, prompts)), _room(prompts, spec)
        config = GenerationConfig(do_sample=True, top_k=0, top_p=spec["top_p"], max_new_tokens=room, **ends)
        ids = torch.tensor([[special["pad"]] * (width - len(row)) + [*row] for row in prompts])
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in prompts])
        torch.manual_seed(seed)
        with torch.inference_mode():
            rows: list[list[int]] = model.generate(ids, attention_mask=mask, generation_config=config).tolist()
        return [_until(row[width:], special["eos"]) for row in rows]

    return sampler


def ctranslate2(spec: dict[str, Any]) -> Sampler:
    """CTranslate2 on the model as its own converter writes it; in float32 where it lacks bfloat16 here."""
    import ctranslate2 as rival
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(spec["model"])
    with tempfile.TemporaryDirectory() as folder:
        rival.converters.TransformersConverter(spec["model"]).convert(folder, force=True)
        has_bf16 = "bfloat16" in rival.get_supported_compute_types("cpu")
        kind = "bfloat16" if spec["precision"] == "bf16" and has_bf16 else "float32"
        generator = rival.Generator(folder, "cpu", compute_type=kind, intra_threads=spec["threads"])

    def sampler(prompts: Batch, seed: int) -> list[list[int]]:
        rival.set_random_seed(seed)
        found = generator.generate_batch(
            [tokenizer.convert_ids_to_tokens([*row]) for row in prompts],
            max_length=_room(prompts, spec),
            sampling_topk=0,
            sampling_topp=spec["top_p"],
            end_token=[spec["special_token_ids"]["eos"]],
            return_end_token=True,
            include_prompt_in_result=False,
        )
        return [_until(each.sequences_ids[0], spec["special_token_ids"]["eos"]) for each in found]

    return sampler


def openvino(spec: dict[str, Any]) -> Sampler:
    """OpenVINO GenAI's continuous batching on the model as optimum-intel exports it, fed with token ids.

    Every document has a seed: a request has its own generator, and documents of one prompt and one seed would be one.
    """
    import numpy as np
    import openvino as ov
    import openvino_genai as rival

    scheduler = rival.SchedulerConfig()
    scheduler.max_num_seqs, scheduler.max_num_batched_tokens = spec["batch_size"], spec["max_length"]
    hints = {
        "INFERENCE_NUM_THREADS": spec["threads"],
        "ENABLE_CPU_PINNING": False,
        "INFERENCE_PRECISION_HINT": {"bf16": "bf16", "fp32": "f32"}[spec["precision"]],
    }
    with tempfile.TemporaryDirectory() as folder:
        _export(spec["model"], folder)
        with _processors(spec["threads"]):
            pipeline = rival.ContinuousBatchingPipeline(folder, scheduler, "CPU", hints)

    def config(room: int, seed: int) -> Any:
        found = rival.GenerationConfig()  # temperature 1 and no top-k, unless told otherwise
        found.do_sample, found.top_p, found.max_new_tokens, found.rng_seed = True, spec["top_p"], room, seed
        found.set_eos_token_id(spec["special_token_ids"]["eos"])
        return found

    def sampler(prompts: Batch, seed: int) -> list[list[int]]:
        ids, room = [ov.Tensor(np.array([row], dtype=np.int64)) for row in prompts], _room(prompts, spec)
        found = pipeline.generate(ids, [config(room, seed + number) for number in range(len(prompts))])
        return [_until([*each.m_generation_ids[0]], spec["special_token_ids"]["eos"]) for each in found]

    return sampler


@contextmanager
def _processors(n: int) -> Iterator[None]:
    """As if the machine had so many, for a pool of threads that is as large as the machine; afterwards all are free."""
    tasks = Path("/proc/self/task")
    if not tasks.is_dir():
        yield
        return
    free = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(free)[:n])
    try:
        yield
    finally:
        for task in tasks.iterdir():
            os.sched_setaffinity(int(task.name), free)


def _export(model: str, folder: str) -> None:
    """In a process of its own, so that its memory does not count.

    Raises:
        SystemExit: it failed; what it said is on standard error.
    """
    call = "import sys; from optimum.commands.optimum_cli import main; sys.argv[0] = 'optimum-cli'; sys.exit(main())"
    given = ["export", "openvino", "--model", model, "--task", "text-generation-with-past", "--weight-format", "fp32"]
    done = subprocess.run([sys.executable, "-c", call, *given, folder], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)


def _until(row: list[int], eos: int) -> list[int]:
    return row[: row.index(eos) + 1] if eos in row else row


def rates(spec: dict[str, Any]) -> dict[str, float]:
    """What this processor does at best: FLOP/s of a matrix product in the precision, bytes/s of reading memory."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(spec["threads"])
    dtype = {"bf16": torch.bfloat16, "fp32": torch.float32}[spec["precision"]]
    inputs, weight, size = torch.randn(2048, 2048).to(dtype), torch.randn(2048, 2048).to(dtype), 256 * 2**20
    memory = torch.ones(size // 4)
    with torch.inference_mode():
        product = min(_seconds(lambda: functional.linear(inputs, weight)) for _ in range(10))
        reading = min(_seconds(memory.sum) for _ in range(10))
    return {"flops_per_second": 2 * 2048**3 / product, "bytes_per_second": size / reading}


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Sample all documents of a specification in batches; at once where the system fills its batches itself.

    Returns:
        New tokens of every document, seconds in all, of the processor and until the first batch was there, the
        process's largest memory with and without sampling, in MiB, and the version of the system's package.
    """
    system = spec["system"]
    sampler = SYSTEMS[system](spec)
    size = len(spec["prompts"]) if system in CONTINUOUS else spec["batch_size"]
    loaded, lengths, first = _peak_mib(), list[list[int]](), None
    ended, processor, started = 0, time.process_time(), time.perf_counter()
    for at in range(0, len(spec["prompts"]), size):
        drawn = sampler(spec["prompts"][at : at + size], spec["seed"] + at)
        first = first or time.perf_counter() - started
        lengths.append([len(row) for row in drawn])
        ended += sum(row[-1:] == [spec["special_token_ids"]["eos"]] for row in drawn)
    return {
        "seconds": time.perf_counter() - started,
        "processor_seconds": time.process_time() - processor,
        "seconds_to_first": first,
        "lengths": lengths,
        "n_ended": ended,
        "peak_mib": _peak_mib(),
        "loaded_mib": loaded,
        "version": version(PACKAGES[system]) if system in PACKAGES else None,
    }


def _peak_mib() -> float:
    status = Path("/proc/self/status")
    if status.is_file():  # what getrusage says there begins with the parent's memory
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


SYSTEMS: dict[str, Callable[[dict[str, Any]], Sampler]] = {
    "ours": ours,
    "generate": generate,
    "stretches": stretches,
    "ctranslate2": ctranslate2,
    "openvino": openvino,
}
CONTINUOUS = ("openvino",)
"""They are given all documents at once, and take the next one into the batch when one ends."""
PACKAGES = {"ctranslate2": "ctranslate2", "openvino": "openvino-genai"}


if __name__ == "__main__":
    given = json.load(sys.stdin)
    print("\n" + json.dumps(rates(given) if given["system"] == "rates" else run(given)))
