"""Servers that are sent token ids, with a tiny model behind them that draws inline entity tags."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from deidsynth.config import EndpointConfig, SynthesizeConfig, merge, parse
from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.documents import Corpus, Entity
from deidsynth.errors import ConfigError, EngineError, InputError
from deidsynth.files import read_lines
from deidsynth.models.language_model.added_tokens import CLOSING, AddedTokens
from deidsynth.models.language_model.causal_lm import add_tokens, embed
from deidsynth.models.language_model.codec import Codec
from deidsynth.models.settings_file import ModelSettings
from deidsynth.sampling import decoding
from deidsynth.sampling.answers import Completion
from deidsynth.sampling.endpoint import EndpointEngine, document_seed
from deidsynth.sampling.engine import Request, Sample, SamplingSettings
from deidsynth.sampling.local import LocalEngine
from deidsynth.sampling.sent_prompts import TextPrompts, TokenIdPrompts
from deidsynth.sampling.token_prompts import TokenPrompts
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work.synthesize import Synthesize
from tiny_models import NOTES, llama_model, llama_tokenizer

ADDED = AddedTokens(("CITY", "NAME"), inline=True, control_codes=("labels", "length"), length_bounds=(50, 100, 150))
END = 20
UNKNOWN = "the endpoint's token ids are not all of this model's tokenizer; check that it has the model of this run"
SETTINGS = SamplingSettings(max_length_tokens=60, top_p=1.0)
Serve = Callable[..., "Served"]


def tagging_model(added: AddedTokens = ADDED) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A model of random weights that draws every added token now and then, and EOS."""
    torch.manual_seed(3)
    tokenizer = llama_tokenizer()
    model = llama_model(len(tokenizer)).eval()
    new = add_tokens(tokenizer, list(added.tokens))
    embed(model, new)
    model.lm_head.bias = torch.nn.Parameter(torch.zeros(len(tokenizer)))
    with torch.no_grad():
        model.lm_head.bias[[*new, tokenizer.eos_token_id]] = 2.5
    return model, tokenizer


class Served:
    """A completions server in this process, and what it was asked.

    Args:
        model: with its tokenizer.
        answers: ``ids``, ``spelled`` (text with special tokens), ``hidden`` (text without them) or ``text`` (no list of
            token ids is taken).
        adds: tokens that it counts beside those of the prompt.
    """

    def __init__(self, model: tuple[PreTrainedModel, PreTrainedTokenizerBase], answers: str, adds: int = 0) -> None:
        self.asked: list[dict[str, Any]] = []
        self._model, self._tokenizer, self._answers, self._adds = *model, answers, adds
        served = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                """Nothing on standard error."""

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                served.asked.append(body)
                answer = served.answer(body)
                content = json.dumps(answer or {}).encode()
                self.send_response(200 if answer else 400)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = {"base_url": f"http://127.0.0.1:{self.server.server_port}/v1", "model": "lm"}
        self.address |= {"requests_in_flight": 1, "prompts": "tokens"}

    def answer(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        if self._answers == "text" or not isinstance(body["prompt"], list):
            return None
        if "logit_bias" in body:
            ids = [int(number) for number in body["logit_bias"]]
        else:
            special = TokenPrompts(self._tokenizer, Codec(self._tokenizer, ADDED)).special
            draw = {"max_new_tokens": body["max_tokens"], "seed": body["seed"]}
            (ids,) = decoding.continuations(self._model, [body["prompt"]], special, SETTINGS, **draw)
        ended = ids[-1] == self._tokenizer.eos_token_id
        shown = ids[:-1] if ended and self._answers == "ids" else ids  # some servers show EOS too
        decode = partial(self._tokenizer.decode, skip_special_tokens=self._answers == "hidden")
        text = decode([*body["prompt"], *shown])[len(decode(body["prompt"])) :]
        choice = {"text": text, "finish_reason": "stop" if ended else "length"}
        if self._answers == "ids" and body["return_token_ids"]:
            choice |= {"token_ids": ids, "text": ""}
        usage = {"prompt_tokens": len(body["prompt"]) + self._adds, "completion_tokens": len(ids)}
        return {"choices": [choice], "usage": usage}


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Served] = []

    def serve(answers: str, adds: int = 0) -> Served:
        servers.append(Served(tagging_model(), answers, adds))
        return servers[-1]

    yield serve
    for each in servers:
        each.server.shutdown()
        each.server.server_close()


def engine(served: Served, added: AddedTokens = ADDED) -> EndpointEngine:
    _, tokenizer = tagging_model()
    prompts = TokenPrompts(tokenizer, Codec(tokenizer, added))
    return EndpointEngine(EndpointConfig(**served.address), TokenIdPrompts(prompts))


def requests() -> list[Request]:
    """Prompts with and without an entity, one of which is cut off, and none at all."""
    found = [
        Request(
            number,
            note.text[:END],
            number,
            tuple(entity for entity in note.entities if entity.end <= END),
            control_codes=ADDED.control_codes_of(note),
            control_codes_document=number,
        )
        for number, note in enumerate(NOTES)
    ]
    first = NOTES[0].entities[0]
    name = NOTES[0].text[: first.end - 2]
    half = Request(len(found), name, 99, (Entity(0, len(name), first.label),), is_open=True)
    return [*found, half, Request(len(found) + 1, "", 100)]


def local(request: Request, seed: int) -> Sample:
    """What an engine in this process draws with the seed that the server is sent, one token less for EOS."""
    model, tokenizer = tagging_model()
    one = LocalEngine(model, tokenizer, Codec(tokenizer, ADDED))
    return one.sample_batch([request], SETTINGS, document_seed(seed, request.index))[0]


@pytest.mark.parametrize("answers", ["ids", "spelled"])
def test_samples_are_those_of_this_process_with_tags_and_control_codes(serve: Serve, answers: str) -> None:
    served, asked = serve(answers), requests()
    samples = engine(served).sample_batch(asked, SETTINGS, 5)
    expected = [local(request, 5) for request in asked]
    whole = [number for number, each in enumerate(expected) if each.ended and samples[number].ended]
    assert len(whole) > 10
    assert sum(len(expected[number].entities) for number in whole) > 10
    for number in whole:
        want, have = expected[number], samples[number]
        assert (have.text, have.entities, have.repairs) == (want.text, want.entities, want.repairs)
        assert have.n_special_tokens == want.n_special_tokens
        assert have.control_codes_document == want.control_codes_document
        assert have.n_tokens == want.n_tokens + (answers == "spelled")  # then it is the server's count, with EOS
    assert all(each.text.startswith(request.prompt) for each, request in zip(samples, asked, strict=True))
    _, tokenizer = tagging_model()
    codec = Codec(tokenizer, ADDED)
    sent = [each["prompt"] for each in served.asked[1:]]
    assert sent[0] == [
        tokenizer.bos_token_id,
        *codec.encode_start(asked[0].prompt, asked[0].entities, control_codes=asked[0].control_codes),
    ]
    assert sent[-1] == [tokenizer.bos_token_id], "an empty prompt needs no further setting"
    assert all(each["max_tokens"] == 61 - len(each["prompt"]) for each in served.asked[1:])


def test_a_server_is_asked_once_whether_it_shows_tags(serve: Serve) -> None:
    served = serve("ids")
    one = engine(served)
    for seed in (1, 2):
        one.sample_batch(requests()[:3], replace(SETTINGS, temperature=1.7), seed)
    assert [("logit_bias" in each, each["max_tokens"] == 1) for each in served.asked] == [
        (True, True),
        *[(False, False)] * 6,
    ]
    assert [each["temperature"] for each in served.asked] == [1.0, *[1.7] * 6], "the bias of the first one stays whole"


def test_a_server_that_hides_tags_is_refused(serve: Serve) -> None:
    served = serve("hidden")
    with pytest.raises(EngineError, match="answers are without inline entity tags.*--special"):
        engine(served).sample_batch(requests(), SETTINGS, 1)
    assert len(served.asked) == 1
    codes = AddedTokens(ADDED.labels, control_codes=ADDED.control_codes, length_bounds=ADDED.length_bounds)
    assert len(engine(served, codes).sample_batch(requests()[:2], SETTINGS, 1)) == 2, "without tags it can be used"


def test_a_server_that_does_not_take_token_ids_is_refused(serve: Serve) -> None:
    with pytest.raises(EngineError, match="prompt 0: the endpoint counts .* of .* token ids.*endpoint.prompts: text"):
        engine(serve("ids", adds=1)).sample_batch(requests(), SETTINGS, 1)
    with pytest.raises(InputError, match="HTTP 400.*empty_prompt and prompts suit the server"):
        engine(serve("text")).sample_batch(requests(), SETTINGS, 1)


def test_a_prompt_without_room_is_told_by_its_number(serve: Serve) -> None:
    served = serve("ids")
    with pytest.raises(InputError, match=r"prompt 0 has \d+ tokens and leaves no room") as caught:
        engine(served).sample_batch(requests(), SamplingSettings(max_length_tokens=9), 1)
    assert NOTES[0].text[:8] not in str(caught.value)
    assert not served.asked


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        *((ids, "token_ids are no token ids") for ids in ([-1], ["7"], [True], 7, list(range(400)))),
        ([10**12], f"^prompt 0: {UNKNOWN}$"),
    ],
)
def test_token_ids_that_cannot_be_are_refused(
    serve: Serve, ids: Any, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve("ids")
    whole = served.answer

    def wrong(body: Mapping[str, Any]) -> dict[str, Any] | None:
        answer = whole(body)
        if answer is not None and "logit_bias" not in body:
            answer["choices"][0]["token_ids"] = ids
        return answer

    monkeypatch.setattr(served, "answer", wrong)
    with pytest.raises(EngineError, match=told):
        engine(served).sample_batch(requests()[:1], SETTINGS, 1)


def test_token_ids_end_with_those_of_the_tokenizer() -> None:
    _, tokenizer = tagging_model()
    prompts = TokenIdPrompts(TokenPrompts(tokenizer, Codec(tokenizer, ADDED)))

    def sample(number: int) -> Sample:
        completion = Completion("", ended=False, n_tokens=1, n_prompt_tokens=1, token_ids=(number,))
        return prompts.sample(Request(0, "", 0), [tokenizer.bos_token_id], completion, 1)

    assert sample(len(tokenizer) - 1).n_tokens == 1
    with pytest.raises(EngineError, match=UNKNOWN):
        sample(len(tokenizer))


def test_a_prompt_is_encoded_once(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []
    encode = TokenPrompts.encoded

    def counted(self: TokenPrompts, asked: Sequence[Request], settings: SamplingSettings) -> list[list[int]]:
        encoded.extend(request.index for request in asked)
        return encode(self, asked, settings)

    monkeypatch.setattr(TokenPrompts, "encoded", counted)
    engine(serve("ids")).sample_batch(requests()[:3], SETTINGS, 1)
    assert encoded == [0, 1, 2]


def test_only_a_server_counts_the_tokens_of_text() -> None:
    _, tokenizer = tagging_model()
    assert TextPrompts(None).n_tokens("Alvedina") is None
    assert TokenIdPrompts(TokenPrompts(tokenizer)).n_tokens([tokenizer.bos_token_id, 7, 8]) == 2


def stage(served: Served, tmp_path: Path, changes: Mapping[str, Any]) -> Path:
    """The output of the stage with the model of the server."""
    folders = {role: tmp_path / role for role in ("model", "prompts", "train")}
    for role, folder in folders.items():
        folder.mkdir()
        if role != "model":
            write_jsonl(Corpus(NOTES, origin="invented"), folder / "corpus.jsonl")
    for part in tagging_model():
        part.save_pretrained(folders["model"] / "model")
    ModelSettings(added_tokens=ADDED, language="sv").save(folders["model"] / "model")
    (tmp_path / "output").mkdir()
    plain = {"endpoint": served.address, "volume_ratio": 0.5, "max_length_tokens": 100, "filters": {"mode": "count"}}
    config = parse(SynthesizeConfig, merge(plain, changes))
    Synthesize().run(config, folders, tmp_path / "output", StageContext(tmp_path, seed=3))
    return tmp_path / "output"


def test_a_stage_sends_control_codes_of_the_corpus_and_takes_entities(serve: Serve, tmp_path: Path) -> None:
    served = serve("ids")
    changes = {"annotations": "inline", "prompts": {"control_codes": "gold", "language": "sv"}}
    output = stage(served, tmp_path, changes)
    corpus = read_jsonl(output / "corpus.jsonl")
    assert len(corpus) == 12 and corpus.n_entities > 12
    documents = [row["control_codes_document"] for row in read_lines(output / "samples.jsonl")]
    assert len(set(documents)) == 12
    _, tokenizer = tagging_model()
    codes = set(Codec(tokenizer, ADDED).control_code_ids)
    assert all(codes & set(each["prompt"]) for each in served.asked[1:])


def test_what_a_server_can_be_sent_follows_from_the_form_of_prompts() -> None:
    address = {"base_url": "http://127.0.0.1:8000/v1", "model": "lm"}
    for wanted in ({"annotations": "inline"}, {"prompts": {"control_codes": "gold"}}):
        with pytest.raises(ConfigError, match=r"set endpoint\.prompts: tokens"):
            parse(SynthesizeConfig, {"endpoint": address, **wanted})
        parse(SynthesizeConfig, {"endpoint": {**address, "prompts": "tokens"}, **wanted})
    assert CLOSING in ADDED.tokens
