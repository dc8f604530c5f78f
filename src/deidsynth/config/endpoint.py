"""Configuration of a completions server run by the user."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, field_validator, model_validator

from deidsynth.config.parsing import StageConfig
from deidsynth.config.paths import Location

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


class EndpointConfig(StageConfig):
    """Sampling from an OpenAI-compatible completions server instead of in this process."""

    removed: ClassVar[Mapping[str, str]] = {"backoff_seconds": "the first wait is always one second"}

    model_config = ConfigDict(hide_input_in_errors=True)  # a misplaced value may be a password or a key

    base_url: str | None = Field(
        None,
        description="base URL including the version, such as http://127.0.0.1:8000/v1; null: sample in this process",
    )
    model: str | None = Field(None, description="name of the model on the server")
    allow_remote: bool = Field(False, description="allow prompts, which are private, to leave this machine")
    api_key_variable: str | None = Field(None, description="name of the environment variable that holds the API key")
    ca_file: Location | None = Field(
        None, description="PEM file of the certificate authority of the server; by default the system's authorities"
    )
    requests_in_flight: int = Field(16, ge=1, description="number of concurrent requests")
    attempts: int = Field(8, ge=1, description="attempts per request, including the first")
    max_wait_seconds: float = Field(
        120.0,
        gt=0.0,
        description="longest wait between two attempts; the run stops if the server asks for a longer one",
    )
    timeout_seconds: float = Field(
        600.0, gt=0.0, description="timeout of one attempt, from connecting to the last byte"
    )
    connect_timeout_seconds: float = Field(10.0, gt=0.0)
    takes: tuple[Literal["top_k", "min_p", "repetition_penalty", "stop"], ...] = Field(
        ("top_k", "min_p", "repetition_penalty", "stop"),
        description="sampling parameters that the server accepts; they are always sent, because servers "
        "have their own defaults",
    )
    top_k_off: Literal[-1, 0] = Field(
        -1, description="value that disables top_k: -1 for vLLM and SGLang, 0 for llama.cpp"
    )
    prompts: Literal["text", "tokens"] = Field(
        "text",
        description="form in which prompts are sent: text, without control codes and inline entity tags; tokens: token "
        "ids, to a server that takes them (vLLM, SGLang, llama.cpp) and serves the adapted model",
    )
    empty_prompt: str | None = Field(
        None,
        description="text sent for an empty prompt: the model's BOS token, such as <s>, or '' if the server adds it",
    )

    @property
    def takes_only_text(self) -> bool:
        """Whether there is a server, and it is sent neither control codes nor inline entity tags."""
        return self.base_url is not None and self.prompts == "text"

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        # The address is not quoted: it may contain a password.
        try:
            parts = urlsplit(value)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValueError("not an address; expected for example http://127.0.0.1:8000/v1") from None
        if port == 0:
            raise ValueError("expected a port from 1 to 65535")
        if parts.scheme not in ("http", "https") or not host:
            raise ValueError("expected an address that starts with http:// or https://")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("expected no user, password, query or fragment; set api_key_variable for a key")
        if parts.path.rstrip("/").endswith("/completions"):
            raise ValueError("expected the address without a trailing /completions")
        return value

    @field_validator("api_key_variable", mode="before")
    @classmethod
    def _is_a_name(cls, value: object) -> object:
        if value is not None and not (isinstance(value, str) and _VARIABLE.fullmatch(value)):
            # Not quoted: it may be the API key itself.
            raise ValueError("expected the name of an environment variable (capitals, digits, _), not the key itself")
        return value

    @model_validator(mode="after")
    def _model_is_named(self) -> EndpointConfig:
        if (self.base_url is None) != (self.model is None):
            raise ValueError("base_url: ADDRESS and model: NAME go together")
        return self
