from __future__ import annotations

import json

TINY = ["base=scratch", "scratch.hidden_size=32", "scratch.layers=1", "scratch.vocabulary_size=300"]
TINY += ["sequence_length=32", "batch_tokens=64", "epochs=1"]


def test_adapt_then_synthesize(deidsynth, corpus, tmp_path) -> None:
    options = [option for setting in TINY for option in ("--set", setting)]
    model = tmp_path / "lm"
    result = deidsynth("adapt", "--corpus", corpus, "--output", model, "--device", "cpu", *options)
    assert result.exit_code == 0, result.stderr
    assert (model / "model" / "config.json").is_file()

    texts = []
    for name in ("first.jsonl", "second.jsonl"):
        result = deidsynth(
            "synthesize", model, "--prompts-from", corpus, "-n", "4", "--seed", "5", "--output", tmp_path / name,
            "--set", "max_length_tokens=24", "--language", "sv", "--device", "cpu",
        )  # fmt: skip
        assert result.exit_code == 0, result.stderr
        texts.append([json.loads(line)["text"] for line in (tmp_path / name).read_text(encoding="utf-8").splitlines()])
    assert len(texts[0]) == 4
    assert texts[0] == texts[1]
