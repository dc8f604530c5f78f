"""Predictions from cells whose power law is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deidsynth.study import advisor
from deidsynth.study.advisor import advise, fit_power_law, verdict

N_GROUPS, N_ENTITIES = 60, 200


def record(seed: int = 1, *, n: int = 400, synthetic: int = 400, error: float, **axes: Any) -> dict[str, Any]:
    """A cell whose synthetic model finds a share of 1 - error, with no false positives but as many as it misses."""
    wrong = error * N_ENTITIES
    rows = [[round(N_ENTITIES - wrong), round(wrong), round(wrong)]] * N_GROUPS
    known = {
        "adaptation_fraction": n / 400, "annotator_fraction": n / 400, "synthetic_volume": synthetic / 400,
        "base_model": "m", "encoder": "e", "arm": "machine", "fold": None, "seed": seed,
    }  # fmt: skip
    return {
        "axes": {**known, **axes},
        "budget": "epochs",
        "language": "es",
        "test": "t",
        "documents": {"annotator": n, "adaptation": n, "synthetic": synthetic},
        "statistics": {"token": {"synthetic": rows}},
    }


def by_name(records: list[dict[str, Any]]) -> dict[str, Any]:
    return {each.resource: each for each in advise(records)}


LABELLED = "labeled documents, for adaptation and annotator"


def test_a_known_power_law_is_found_and_read_beyond_the_last_size() -> None:
    sizes = (25, 50, 100, 200, 400)
    advice = by_name([record(n=n, error=2.0 * n**-0.5) for n in sizes])[LABELLED]
    assert advice.sizes == sizes
    assert advice.exponent == pytest.approx(0.5, abs=0.02)
    assert advice.now == pytest.approx(0.9, abs=0.005)
    assert advice.gain == pytest.approx(2.0 * 400**-0.5 - 2.0 * 500**-0.5, abs=0.002)
    assert advice.interval[0] <= advice.gain <= advice.interval[1]


def test_noise_widens_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advisor, "TRAINING_NOISE", 0.0)  # what is left comes from the curve itself
    sizes = (25, 50, 100, 200, 400)
    clean = by_name([record(n=n, error=2.0 * n**-0.5) for n in sizes])[LABELLED]
    rough = (1.2, 0.8, 1.2, 0.8, 1.0)
    noisy = by_name([record(n=n, error=2.0 * n**-0.5 * f) for n, f in zip(sizes, rough, strict=True)])[LABELLED]
    assert np.diff(noisy.interval) > 3 * np.diff(clean.interval)


def test_the_chance_of_training_widens_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [record(n=n, error=2.0 * n**-0.5) for n in (25, 50, 100, 200, 400)]
    with_noise = by_name(cells)[LABELLED]
    monkeypatch.setattr(advisor, "TRAINING_NOISE", 0.0)
    assert np.diff(with_noise.interval) > 3 * np.diff(by_name(cells)[LABELLED].interval)


def test_what_lies_beyond_a_cliff_decides_little() -> None:
    cells = [record(synthetic=n, error=e) for n, e in ((24, 0.437), (119, 0.083), (238, 0.061), (475, 0.062))]
    advice = by_name(cells)["synthetic documents"]
    equal = 0.437 * (475 / 24) ** -0.7 - 0.437 * (1475 / 24) ** -0.7  # about what equal weights give
    assert 0.0 < advice.gain < 0.6 * equal
    assert advice.interval[0] < 0.005 < advice.interval[1]


def test_fewer_than_four_sizes_are_refused() -> None:
    found = by_name([record(seed, n=n, error=0.1) for n in (100, 200, 400) for seed in (1, 2)])
    assert all(each.gain is None for each in found.values())
    assert found[LABELLED].refused == "3 sizes; a curve needs at least 4"
    assert found["synthetic documents"].refused == "1 size; a curve needs at least 4"
    assert "Too few curves" in verdict(list(found.values()))


def test_what_gains_most_is_named_with_its_certainty() -> None:
    cells = [record(n=n, error=3.0 * n**-0.5) for n in (25, 50, 100, 200, 400)]
    flat = [record(synthetic=n, error=0.15 * (n / 400) ** -0.01) for n in (50, 100, 200, 800)]
    advice = advise(cells + flat)
    text = verdict(advice)
    assert "100 more labeled documents, for adaptation and annotator would help most" in text
    assert "the intervals do not overlap" in text


def test_settings_are_kept_apart() -> None:
    cells = [record(n=n, error=0.1, base_model=name) for n in (100, 200, 400) for name in ("m", "other")]
    assert len({each.setting for each in advise(cells)}) == 2


def test_a_perfect_score_is_no_infinite_logarithm() -> None:
    advice = by_name([record(n=n, error=0.0) for n in (50, 100, 200, 400)])[LABELLED]
    assert advice.gain == pytest.approx(0.0, abs=1e-6)


def test_the_fit_is_exact_on_a_power_law() -> None:
    sizes = np.array([1.0, 10.0, 100.0])
    errors = np.stack([0.5 * sizes**-1.0, 0.2 * sizes**-0.3])
    for weights in (np.ones(3), sizes**2, np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])):
        slope, intercept = fit_power_law(sizes, errors, weights)
        assert slope == pytest.approx([-1.0, -0.3])
        assert np.exp(intercept) == pytest.approx([0.5, 0.2])


def test_a_point_without_weight_counts_for_nothing() -> None:
    sizes, errors = np.array([1.0, 10.0, 100.0]), np.array([0.9, 0.05, 0.005])
    slope, _ = fit_power_law(sizes, errors, np.array([1e-12, 1.0, 1.0]))
    assert float(slope) == pytest.approx(-1.0, abs=1e-6)
