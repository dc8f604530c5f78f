"""Generator of the reference pages: ``python -m deidsynth.cli.reference docs/cli.md``.

``cli.md`` comes from the commands' own help, ``configuration.md`` from the models of the configuration.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from deidsynth.cli.app import app
from deidsynth.cli.verbs import loaded
from deidsynth.config import RunConfig, StageConfig
from deidsynth.config.presets import Presets, presets

HEAD = """# The command line

Generated from the help of the commands by `make docs`; do not edit.

Results go to standard output, progress and messages to standard error. Exit codes: 0 success; 1 a check failed;
2 the input is at fault; 3 any other error (`deidsynth --debug ...` shows the traceback); 130 interrupted.
"""

CONFIGURATION_HEAD = """# The configuration of a run

Generated from the models in `src/deidsynth/config/` by `make docs`; do not edit.

`deidsynth run run.yaml` takes a YAML file. Keys that are not set have the defaults below; unknown keys are
rejected.

```yaml
corpus:
  path: notes/
  language: es
adapt:
  epochs: 3
train:
  encoder: models/my-encoder
train_synthetic:
  epochs: 4
seed: 7
```

- `--set KEY=VALUE` on the command line overrides the file, with dotted keys and YAML values:
  `--set adapt.epochs=3 --set train.chunk_words=null`.
- The file is read strictly: a key that occurs twice, a tag (`!!int`), a number that is not finite or larger than
  4294967295, and more than 50 levels of nesting are refused. A date is text. The same holds for the files of studies,
  label mappings and `--labels`. Messages never show a value below `endpoint`.
- `train` applies to the gold model and the synthetic model. `train_synthetic` takes any keys of `train` and changes
  them for the synthetic model only.
- `seed` is the seed of training and sampling. `split.seed` is the seed of the train, validation and test split if the
  corpus has none. Runs with different `seed` and the same `split.seed` are evaluated on the same test documents.
"""
PRESETS_HEAD = """## Presets

Keys that are not set get values by kind of model, before anything runs; `run.yaml` of a run folder and
the manifest of every artifact record the resolved values. The presets are in `src/deidsynth/config/presets.yaml`.

- `scratch`: a small model without pretraining; `starter`: a small pretrained model that comes with the package; `hub`:
  any other model, by hub id or local folder.
- `adapt.method: auto` is `full` for `scratch`, `starter` and a local folder under 1 GB, else `lora`.
- `control_codes` apply to runs, and to a model that is adapted alone to a corpus with entities; in a study, a model
  only has those that are configured.
- `min_steps` is the minimum if neither `epochs` nor `batch_size` is set; 0: none. In a study it is 0.
- `width` is the hidden size that the learning rates are for. An encoder in a local folder gets them in inverse
  proportion to its own hidden size (384: twice as much).
- `max_steps` is the limit if `epochs` of task-adaptive pretraining is not set either; 0: none.
"""
NAMES: dict[Any, str] = {str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "null"}
BOUNDS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


def reference() -> str:
    """The reference of the command line as Markdown."""
    return "\n".join([HEAD, *_sections(typer.main.get_command(app), "deidsynth")])


def _sections(command: Any, name: str) -> Iterator[str]:
    """The sections of a command and its subcommands.

    A command is typed as ``Any``: its class is private to typer and differs between its versions.
    """
    below = getattr(command, "commands", None)
    if below is None:
        yield from _section(loaded(command), name)
        return
    for verb, each in below.items():
        yield from _sections(each, f"{name} {verb}")


def _section(command: Any, name: str) -> Iterator[str]:
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    usage = " ".join([name, *(_place(argument) for argument in arguments), *_required(options), "[OPTIONS]"])
    yield f"## {name}\n\n{command.help.strip()}\n\n```\n{usage}\n```\n"
    rows = [(f"`{_place(argument)}`", argument.help or "") for argument in arguments]
    rows += [(_names(option), _meaning(option)) for option in options]
    yield "| | |\n|---|---|"
    yield from (f"| {left} | {right.replace('|', chr(92) + '|')} |" for left, right in rows)
    examples = "\n".join(command.epilog.split("\n\n")[1:])
    yield f"\n```\n{examples}\n```\n"


def _place(argument: Any) -> str:
    shown = str(argument.metavar or argument.name.upper()) + ("..." if argument.nargs == -1 else "")
    return shown if argument.required else f"[{shown}]"


def _required(options: list[Any]) -> list[str]:
    return [f"{option.opts[0]} {_metavar(option)}" for option in options if option.required]


def _metavar(option: Any) -> str:
    return str(option.metavar or option.name.upper())


def _names(option: Any) -> str:
    value = "" if option.is_flag else f" {_metavar(option)}"
    return f"`{', '.join(option.opts)}{value}`".replace("|", "\\|")


def _meaning(option: Any) -> str:
    text = str(option.help or "")
    shown = option.default
    if option.required or option.is_flag or shown is None or callable(shown):
        return text
    return f"{text} Default: {getattr(shown, 'value', shown)}."


def configuration() -> str:
    """The reference of the configuration as Markdown: one section per part, one row per key."""
    parts = {name: field for name, field in RunConfig.model_fields.items() if _is_part(field)}
    plain = [_row(name, field) for name, field in RunConfig.model_fields.items() if name not in parts]
    sections: list[tuple[str, Any, list[str]]] = [("The run as a whole", RunConfig, plain)]
    sections += [(f"`{name}`", field.annotation, list(_rows(field.annotation, name))) for name, field in parts.items()]
    head = "| key | value | default | meaning |\n|---|---|---|---|"
    told = [f"## {title}\n\n{model.__doc__}\n\n{head}\n" + "\n".join(rows) + "\n" for title, model, rows in sections]
    return "\n".join([CONFIGURATION_HEAD, *told, _presets(presets())])


def _presets(known: Presets) -> str:
    """The section of the presets."""
    adapt = [
        {"base": kind, "method": method, **_cells(preset)}
        for kind, methods in known.adapt.items()
        for method, preset in methods.items()
    ]
    train = [{"encoder": kind, **_cells(preset)} for kind, preset in known.train.items()]
    return "\n".join(
        [
            PRESETS_HEAD,
            _table("Of `adapt`, by `base` and `method`:", adapt),
            _table("Of `adapt` with `adapt.private`:", [_cells(known.private)]),
            _table("Of `train`, by `encoder`:", train),
            _table("Of `train` for the synthetic model of a run:", [_cells(known.synthetic)]),
        ]
    )


def _cells(preset: StageConfig, prefix: str = "") -> dict[str, str]:
    """The values of a preset, by dotted key."""
    found: dict[str, str] = {}
    for name in type(preset).model_fields:
        value = getattr(preset, name)
        if isinstance(value, StageConfig):
            found |= _cells(value, f"{name}.")
        elif isinstance(value, list):
            found[prefix + name] = ", ".join(value) or "none"
        else:
            found[prefix + name] = f"{value:g}" if isinstance(value, float) else str(value)
    return found


def _table(title: str, rows: list[dict[str, str]]) -> str:
    head = [f"| {' | '.join(rows[0])} |", f"|{'---|' * len(rows[0])}"]
    return "\n".join([title, "", *head, *(f"| {' | '.join(row.values())} |" for row in rows), ""])


def _is_part(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, StageConfig)


def _rows(model: Any, prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        key = f"{prefix}.{name}"
        if _is_part(field):
            yield from _rows(field.annotation, key)
        else:
            yield _row(key, field)


def _row(key: str, field: FieldInfo) -> str:
    bounds = [f"{sign} {getattr(limit, name):.10g}" for limit in field.metadata for name, sign in BOUNDS.items()
              if hasattr(limit, name)]  # fmt: skip
    default = "required" if field.is_required() else _value(field.get_default(call_default_factory=True))
    return f"| `{key}` | {', '.join([_kind(field.annotation), *bounds])} | {default} | {field.description or ''} |"


def _kind(annotation: Any) -> str:
    within = get_args(annotation)
    if get_origin(annotation) is Literal:
        return ", ".join(_value(choice) for choice in within)
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join(_kind(each) for each in within)
    if get_origin(annotation) is Annotated:
        return _kind(within[0])
    if get_origin(annotation) is list:
        return f"list of {_kind(within[0])}"
    return NAMES.get(annotation, "mapping")


def _value(value: Any) -> str:
    return f"`{'null' if value is None else value}`"


PAGES: dict[str, Callable[[], str]] = {"cli.md": reference, "configuration.md": configuration}


def main(arguments: list[str]) -> int:
    """Write the given pages, or check with ``--check`` that they are up to date; returns an exit code."""
    paths = [Path(argument) for argument in arguments if argument != "--check"]
    if not paths or any(path.name not in PAGES for path in paths):
        print(f"usage: python -m deidsynth.cli.reference [--check] FILE...; pages: {', '.join(PAGES)}", file=sys.stderr)
        return 2
    stale = 0
    for path in paths:
        text = PAGES[path.name]()
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            print(f"{path} is stale; run: make docs", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
