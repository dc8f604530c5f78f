"""Configuration of a completions server that the user runs."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, field_validator, model_validator

from deidsynth.config.parsing import StageConfig

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


class EndpointConfig(StageConfig):
    """Sampling from an OpenAI-compatible completions server instead of in this process."""

    model_config = ConfigDict(hide_input_in_errors=True)  # in the wrong place, it may be a password or a key

    base_url: str | None = Field(
        None, description="address up to the version, such as http://127.0.0.1:8000/v1; null: sample in this process"
    )
    model: str | None = Field(None, description="name of the model as the server knows it")
    allow_remote: bool = Field(False, description="let prompts, which are private, leave this machine")
    api_key_variable: str | None = Field(None, description="name of the environment variable that holds the API key")
    ca_file: str | None = Field(
        None, description="PEM file of the authority that signed the server's certificate; by default the system's"
    )
    requests_in_flight: int = Field(16, ge=1, description="requests that the server has at the same time")
    attempts: int = Field(8, ge=1, description="of one request, the first included")
    max_wait_seconds: float = Field(
        120.0, gt=0.0, description="longest wait between two attempts; a server that asks for more ends the run"
    )
    timeout_seconds: float = Field(600.0, gt=0.0, description="of one attempt, from the connection to the last byte")
    connect_timeout_seconds: float = Field(10.0, gt=0.0)
    takes: tuple[Literal["top_k", "min_p", "repetition_penalty", "stop"], ...] = Field(
        ("top_k", "min_p", "repetition_penalty", "stop"),
        description="fields that the server takes; they are always sent, as servers have defaults of their own",
    )
    top_k_off: Literal[-1, 0] = Field(-1, description="what turns top_k off: -1 for vLLM and SGLang, 0 for llama.cpp")
    empty_prompt: str | None = Field(
        None, description="what is sent for an empty prompt: the model's BOS, such as <s>, or '' if the server adds it"
    )

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        # The address is not quoted: somebody may have put a password into it.
        try:
            parts = urlsplit(value)
            host = parts.hostname
        except ValueError:
            raise ValueError("not an address; expected one such as http://127.0.0.1:8000/v1") from None
        if parts.scheme not in ("http", "https") or not host:
            raise ValueError("expected an address that begins with http:// or https://")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("expected no user, password, query or fragment; a key belongs into api_key_variable")
        if parts.path.rstrip("/").endswith("/completions"):
            raise ValueError("expected the address without /completions at its end")
        return value

    @field_validator("api_key_variable", mode="before")
    @classmethod
    def _is_a_name(cls, value: object) -> object:
        if value is not None and not (isinstance(value, str) and _VARIABLE.fullmatch(value)):
            # Not quoted: it may be the key itself.
            raise ValueError("expected the name of an environment variable (capitals, digits, _), not the key itself")
        return value

    @model_validator(mode="after")
    def _model_is_named(self) -> EndpointConfig:
        if (self.base_url is None) != (self.model is None):
            raise ValueError("base_url: ADDRESS and model: NAME go together")
        return self
