from __future__ import annotations

import asyncio
import json
import logging
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from deidsynth.config import EndpointConfig, dump
from deidsynth.errors import EngineError, InputError
from deidsynth.sampling import completions
from deidsynth.sampling.endpoint import EndpointEngine, document_seed
from deidsynth.sampling.engine import Request, Sample, SamplingSettings

SERVER = Path(__file__).with_name("completions_server.py")
SECRET = "Alvedina Quistberg"  # the private prompt of these tests
KEY = "key-4711-not-to-be-shown"
SETTINGS = SamplingSettings(max_length_tokens=50)
FAST: dict[str, Any] = {"max_wait_seconds": 3.0, "timeout_seconds": 5.0}


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completions, "BACKOFF_SECONDS", 0.01)


class Server:
    """A server process, and what it was asked."""

    def __init__(self, log: Path, *arguments: str, port: int = 0, scheme: str = "http") -> None:
        self.log = log
        command = [sys.executable, "-S", str(SERVER), str(port), str(log), *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.base_url = f"{scheme}://127.0.0.1:{self.port}/v1"

    def asked(self, *, counting: bool = False) -> list[dict[str, Any]]:
        """The requests for documents, or those that count the tokens of prompts."""
        lines = [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]
        return [line for line in lines if (line["max_tokens"] == 1) == counting]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(faults: str = "", *arguments: str, **options: Any) -> Server:
        server = Server(tmp_path / f"asked-{len(started)}.jsonl", faults, *arguments, **options)
        started.append(server)
        return server

    yield start
    for server in started:
        server.kill()


def engine(server: Server, **options: Any) -> EndpointEngine:
    return EndpointEngine(EndpointConfig(base_url=server.base_url, model="notes", **FAST | options))


def requests(n: int = 6, prompt: str = SECRET) -> list[Request]:
    return [Request(100 + number, f"{prompt} {number % 2}", number % 2) for number in range(n)]


def shown(error: BaseException) -> str:
    """Everything that a traceback may show of an error."""
    return "".join(traceback.format_exception(error)) + repr(error) + repr(error.__context__) + repr(error.__cause__)


def expected(asked: list[Request], seed: int) -> list[str]:
    return [f"{each.prompt} drawn with {document_seed(seed, each.index)}" for each in asked]


def test_documents_come_in_order_with_seeds_of_their_own(start: Callable[..., Server]) -> None:
    server = start(",".join(f"slow:{0.5 - number / 50}" for number in range(16)))  # the first to come are the last done
    asked = requests(40)
    samples = engine(server).sample_batch(asked, SETTINGS, 9)
    assert [each.text for each in samples] == expected(asked, 9)
    assert [each.index for each in samples] == [each.index for each in asked]
    assert {each.seed for each in samples} == {9}
    assert [each.ended for each in samples] == [document_seed(9, each.index) % 3 != 0 for each in asked]
    assert {each.n_tokens for each in samples} == {4 + 7}
    assert {each.prompt_characters for each in samples} == {len(SECRET) + 2}
    sent = server.asked()
    assert len({each["seed"] for each in sent}) == 40
    assert all(each["_path"] == "/v1/completions" and each["n"] == 1 for each in sent)
    assert max(each["_under_way"] for each in sent) == 16


def test_the_same_requests_give_the_same_samples(start: Callable[..., Server]) -> None:
    server = start()
    one = engine(server)
    assert one.sample_batch(requests(), SETTINGS, 1) == one.sample_batch(requests(), SETTINGS, 1)
    assert one.sample_batch(requests(), SETTINGS, 1) != one.sample_batch(requests(), SETTINGS, 2)


def test_only_so_many_requests_are_under_way(start: Callable[..., Server]) -> None:
    server = start(",".join(["slow:0.02"] * 9))
    engine(server, requests_in_flight=3).sample_batch(requests(9), SETTINGS, 1)
    assert max(each["_under_way"] for each in server.asked()) == 3


def test_a_prompt_is_counted_once_and_leaves_the_rest_to_the_text(start: Callable[..., Server]) -> None:
    server = start()
    one = engine(server)
    one.sample_batch(requests(6), SETTINGS, 1)
    one.sample_batch(requests(6), SETTINGS, 2)
    assert len(server.asked(counting=True)) == 2
    assert {each["max_tokens"] for each in server.asked()} == {50 - 4}


def test_without_a_count_a_prompt_has_as_many_tokens_as_bytes(start: Callable[..., Server]) -> None:
    server = start(",".join(["uncounted"] * 2))
    samples = engine(server).sample_batch(requests(1, "Ångest"), SETTINGS, 1)
    assert server.asked()[0]["max_tokens"] == 50 - len("Ångest 0".encode()) - 1
    assert samples[0].n_tokens == 7


def test_a_prompt_that_leaves_no_room_is_told_by_its_number(start: Callable[..., Server]) -> None:
    with pytest.raises(InputError, match="prompt 0 has 4 tokens and leaves no room") as caught:
        engine(start()).sample_batch(requests(), SamplingSettings(max_length_tokens=4), 1)
    assert SECRET not in shown(caught.value)


def test_settings_are_sent_where_the_server_takes_them(start: Callable[..., Server]) -> None:
    server = start()
    plain = SamplingSettings(temperature=0.7, top_p=0.9, max_length_tokens=50)
    full = replace(plain, top_k=30, min_p=0.1, repetition_penalty=1.2, stop=("\n\n",))
    engine(server).sample_batch(requests(1), plain, 1)
    engine(server, top_k_off=0).sample_batch(requests(1), plain, 1)
    engine(server, takes=[]).sample_batch(requests(1), replace(plain, stop=("\n\n",)), 1)
    engine(server).sample_batch(requests(1), full, 1)
    names = ("top_k", "min_p", "repetition_penalty", "stop")
    assert [[each.get(name) for name in names] for each in server.asked()] == [
        [-1, 0, 1, None],
        [0, 0, 1, None],
        [None, None, None, None],
        [30, 0.1, 1.2, ["\n\n"]],
    ]
    assert not set(names) & set(server.asked()[2])
    assert all((each["temperature"], each["top_p"], each["model"]) == (0.7, 0.9, "notes") for each in server.asked())
    with pytest.raises(InputError, match=r"^synthesize\.top_k, synthesize\.min_p, synthesize\.repetition_penalty: set"):
        engine(server, takes=[]).sample_batch(requests(1), full, 1)
    assert len(server.asked()) == 4


def test_an_empty_prompt_needs_its_bos(start: Callable[..., Server]) -> None:
    server = start()
    with pytest.raises(InputError, match=r"endpoint\.empty_prompt"):
        engine(server).sample_batch([Request(0, "", 0)], SETTINGS, 1)
    assert not server.log.exists()
    (sample,) = engine(server, empty_prompt="<s>").sample_batch([Request(0, "", 0)], SETTINGS, 1)
    assert server.asked()[0]["prompt"] == "<s>"
    assert sample.text == f" drawn with {document_seed(1, 0)}" and sample.prompt_characters == 0
    engine(server, empty_prompt="").sample_batch([Request(0, "", 0)], SETTINGS, 1)
    assert server.asked()[1]["prompt"] == ""


def test_half_a_character_is_replaced(start: Callable[..., Server]) -> None:
    (sample,) = engine(start("halves")).sample_batch(requests(1), SETTINGS, 1)
    assert sample.text == f"{SECRET} 0 \ufffd|😀"


PASSING = ["500", "503", "429", "408", "drop", "garbage", "truncated-body", "truncated-json", "aborted", "wait:0"]


def test_faults_that_pass_are_tried_again(start: Callable[..., Server], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = start(",".join(PASSING))
    asked = requests(6)
    samples = engine(server).sample_batch(asked, SETTINGS, 3)
    assert [each.text for each in samples] == expected(asked, 3)
    assert len(server.asked()) == 6 + len(PASSING)
    assert SECRET not in caplog.text and "drawn with" not in caplog.text
    assert not [each for each in caplog.records if each.name.startswith(("httpx2", "httpcore2"))]


@pytest.mark.parametrize("fault", [*PASSING, "slow:2"])
def test_faults_that_stay_end_the_batch_without_text(
    start: Callable[..., Server], fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = start(",".join([fault] * 20))
    with pytest.raises(EngineError, match="prompt 0: no answer from the endpoint in 2 attempts") as caught:
        engine(server, attempts=2, timeout_seconds=0.2).sample_batch(requests(1), SETTINGS, 3)
    assert len(server.asked()) == 2
    for text in (shown(caught.value), caplog.text):
        assert SECRET not in text and "drawn with" not in text


def test_a_slow_answer_is_given_up_and_asked_for_again(start: Callable[..., Server]) -> None:
    server = start("slow:4")
    began = time.monotonic()
    samples = engine(server, timeout_seconds=0.3).sample_batch(requests(1), SETTINGS, 3)
    assert [each.text for each in samples] == expected(requests(1), 3)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("fault", ["wait:1", "wait-date:2"])
def test_a_server_that_asks_to_wait_is_given_the_time(start: Callable[..., Server], fault: str) -> None:
    server = start(fault)
    engine(server).sample_batch(requests(1), SETTINGS, 3)
    first, second = (each["_time"] for each in server.asked())
    assert 0.9 < second - first < 3


def test_a_server_that_asks_to_wait_too_long_ends_the_batch(start: Callable[..., Server]) -> None:
    server = start("wait-long:3600")
    with pytest.raises(EngineError, match=r"wait 3600 s; .* endpoint\.max_wait_seconds \(now 3\)"):
        engine(server).sample_batch(requests(1), SETTINGS, 3)
    assert len(server.asked()) == 1


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("400", InputError, "HTTP 400.*max_length_tokens"),
        ("401", InputError, "HTTP 401.*api_key_variable"),
        ("404", InputError, "HTTP 404.*base_url"),
        ("422", InputError, "HTTP 422.*endpoint.takes"),
        ("redirect:1", InputError, "redirects are not followed"),
        ("shape", EngineError, r"not a completion with choices\[0\]\.text"),
    ],
)
def test_faults_that_would_stay_are_told_at_once(
    start: Callable[..., Server], fault: str, kind: type[Exception], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = start(fault)
    with pytest.raises(kind, match=words) as caught:
        engine(server).sample_batch(requests(1), SETTINGS, 3)
    assert len(server.asked()) == 1
    assert SECRET not in shown(caught.value) and SECRET not in caplog.text


def test_a_redirect_reaches_nobody(start: Callable[..., Server]) -> None:
    target = start()
    server = start(f"redirect:{target.port}")
    with pytest.raises(InputError, match="redirects"):
        engine(server).sample_batch(requests(1), SETTINGS, 3)
    assert not target.log.exists()


def test_one_failure_gives_up_the_requests_under_way(start: Callable[..., Server]) -> None:
    began = time.monotonic()
    with pytest.raises(InputError, match="HTTP 400"):
        engine(start("slow:4,slow:4,400")).sample_batch(requests(3), SETTINGS, 3)
    assert time.monotonic() - began < 2


def test_a_server_that_is_started_again_half_way(start: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completions, "BACKOFF_SECONDS", 0.1)
    asked = requests(12)
    first = start(",".join(["slow:30"] * 4))
    samples: list[Sample] = []
    one = engine(first, requests_in_flight=4, timeout_seconds=30, attempts=20)
    worker = threading.Thread(target=lambda: samples.extend(one.sample_batch(asked, SETTINGS, 5)))
    worker.start()
    deadline = time.monotonic() + 5
    while not first.log.exists() or len(first.asked()) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    first.kill()
    time.sleep(0.3)
    second = start(port=first.port)
    worker.join(10)
    assert [each.text for each in samples] == expected(asked, 5)
    assert len(second.asked()) == 12


def test_nobody_there(start: Callable[..., Server]) -> None:
    server = start()
    server.kill()
    with pytest.raises(EngineError, match="connection failed"):
        engine(server, attempts=2).sample_batch(requests(1), SETTINGS, 3)


def test_the_key_is_sent_and_never_shown(
    start: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("NOTES_KEY", f"{KEY}\n")
    server = start(",".join(["401"]))
    config = EndpointConfig(base_url=server.base_url, model="notes", api_key_variable="NOTES_KEY", **FAST)
    one = EndpointEngine(config)
    with pytest.raises(InputError) as caught:
        one.sample_batch(requests(1), SETTINGS, 1)
    one.sample_batch(requests(1), SETTINGS, 1)
    assert {each["_key"] for each in server.asked()} == {f"Bearer {KEY}"}
    for text in (shown(caught.value), caplog.text, dump(config), repr(config), repr(one)):
        assert KEY not in text


def test_proxies_are_passed_by_for_this_machine(start: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for allow in (False, True):
        assert engine(start(), attempts=1, allow_remote=allow).sample_batch(requests(1), SETTINGS, 1)


def test_certificates_are_verified(start: Callable[..., Server], tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    pem = tmp_path / "server.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=notes"
    options = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "c")]
    subprocess.run([*command.split(), *options], check=True, capture_output=True)
    pem.write_text((tmp_path / "key").read_text() + (tmp_path / "c").read_text())
    server = start("", str(pem), scheme="https")
    with pytest.raises(InputError, match=r"certificate cannot be verified; set endpoint\.ca_file"):
        engine(server).sample_batch(requests(1), SETTINGS, 1)
    assert not server.log.exists()
    assert engine(server, ca_file=str(tmp_path / "c")).sample_batch(requests(1), SETTINGS, 1)
    for wrong in (tmp_path / "nothing", SERVER):
        with pytest.raises(InputError, match="is not a valid certificate file"):
            engine(server, ca_file=str(wrong))


def test_an_interrupt_ends_the_batch_at_once(start: Callable[..., Server]) -> None:
    server = start("slow:30,slow:30")
    program = (
        "import signal\n"
        "from deidsynth.config import EndpointConfig\n"
        "from deidsynth.sampling.endpoint import EndpointEngine\n"
        "from deidsynth.sampling.engine import Request, SamplingSettings\n"
        # A process that was started in the background inherits that interrupts are ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"config = EndpointConfig(base_url={server.base_url!r}, model='notes')\n"
        f"asked = [Request(number, {SECRET!r}, 0) for number in range(2)]\n"
        "EndpointEngine(config).sample_batch(asked, SamplingSettings(max_length_tokens=50), 1)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 15
    while not server.log.exists() or len(server.asked()) < 2:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=5)
    assert "KeyboardInterrupt" in told and SECRET not in told


def test_in_a_running_event_loop(start: Callable[..., Server]) -> None:
    one = engine(start())

    async def notebook() -> list[Sample]:
        return one.sample_batch(requests(3), SETTINGS, 1)

    assert [each.text for each in asyncio.run(notebook())] == expected(requests(3), 1)


def test_other_users_of_the_library_log_as_before(
    start: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server = start()
    engine(server).sample_batch(requests(1), SETTINGS, 1)
    assert not caplog.records
    httpx2.post(f"{server.base_url}/completions", json={"prompt": "a", "max_tokens": 1, "seed": 1}, trust_env=False)
    assert "HTTP Request: POST" in caplog.text
