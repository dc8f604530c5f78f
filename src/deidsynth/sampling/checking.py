"""What can be told about sampling before a model is adapted."""

from __future__ import annotations

import importlib.util

from deidsynth.config import SynthesizeConfig
from deidsynth.errors import MissingExtraError
from deidsynth.sampling.endpoint import check_endpoint


def check_sampling(config: SynthesizeConfig, device: str) -> None:
    """Check what a configuration samples with, as far as that needs neither a model nor a request.

    Raises:
        InputError: the server cannot be used; see :class:`deidsynth.sampling.endpoint.EndpointEngine`.
        MissingExtraError: vLLM is not installed.
    """
    check_endpoint(config, device)
    if config.engine == "vllm":
        check_vllm()


def check_vllm() -> None:
    """Refuse to go on without vLLM.

    Raises:
        MissingExtraError: it is not installed.
    """
    if importlib.util.find_spec("vllm") is None:
        raise MissingExtraError("synthesize.engine: vllm", "vllm")
