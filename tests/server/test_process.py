"""``deidsynth serve`` as people start and end it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2 as httpx
import pytest
from typer.testing import CliRunner, Result

from deidsynth.cli.app import app
from deidsynth.deidentification.runtime import Deidentifier
from deidsynth.errors import InputError
from deidsynth.server.keys import add_key
from deidsynth.server.running import bound, run_service
from served import SECRET, SOURCE, everything, process_of

pytest.importorskip("fastapi")


def serve(*arguments: str | Path | int) -> Result:
    return CliRunner().invoke(app, ["serve", *map(str, arguments)], prog_name="deidsynth")


def told(result: Result) -> str:
    return " ".join(result.stderr.split())


@pytest.mark.slow
def test_a_service_ends_when_it_has_answered_what_it_took(tagger: Path, tmp_path: Path) -> None:
    with process_of(tagger, tmp_path) as served:
        url, answers = served.url, dict[int, httpx.Response]()
        text = f"{SECRET} kom. " * 5_000

        def send(number: int) -> None:
            answers[number] = httpx.post(f"{url}/v1/deidentify", json={"text": text}, timeout=60)

        threads = [threading.Thread(target=send, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        while "requests_inside 3.0" not in httpx.get(f"{url}/metrics").text:
            assert not answers, "the texts are too short for this test"
            time.sleep(0.01)
        served.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert served.process.wait(30) == 0
    assert [answers[number].status_code for number in range(3)] == [200] * 3
    assert "stopped" in served.log and SECRET not in served.log and "Traceback" not in served.log


def test_keys_and_corpus_are_taken_from_their_files(tagger: Path, tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.json", "ward-app")
    note = {"doc_id": "s-1", "text": "Bo kom.", "entities": [], "origin": "synthetic"}
    (tmp_path / "corpus.jsonl").write_text(json.dumps(note) + "\n", encoding="utf-8")
    options = ("--keys", "keys.json", "--corpus", "corpus.jsonl", "--compare", str(tagger), "--host", "0.0.0.0")
    with process_of(tagger, tmp_path, *options) as served:
        url = served.url.replace("0.0.0.0", "127.0.0.1")
        assert httpx.get(f"{url}/v1/info").status_code == 401
        with httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}) as client:
            info = client.get("/v1/info").json()
            assert info["has_corpus"] and len(info["models"]) == 2
            assert client.get("/v1/corpus").json()["notes"][0]["text"] == "Bo kom."
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(30) == 0
    assert key not in served.log


def test_policy_key_and_known_values_are_those_of_the_start(blind_tagger: Path, tmp_path: Path) -> None:
    (tmp_path / "known.csv").write_text("patient,value,label\np-1,Cirkelia Tåbring,NAME\n", encoding="utf-8")
    (tmp_path / "key").write_bytes(bytes(range(32)))
    (tmp_path / "policy.yaml").write_text("default: surrogate\nscope: patient\nlanguage: sv\n", encoding="utf-8")
    options = ("--policy", "policy.yaml", "--key-file", "key", "--known", "known.csv")
    answers = []
    for _ in range(2):
        with process_of(blind_tagger, tmp_path, *options) as served:
            sent = {"text": "Hej Cirkelia Tåbring!", "patient": "p-1"}
            answers.append(httpx.post(f"{served.url}/v1/deidentify", json=sent, timeout=60).json())
            assert httpx.get(f"{served.url}/v1/info").json()["policy"] == "surrogate by default"
    assert answers[0] == answers[1], "the key decides, and it is the same"
    assert "Cirkelia" not in answers[0]["text"]
    assert [each["source"] for each in answers[0]["replacements"]] == ["known value"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "deid.example"])
def test_an_address_that_others_reach_needs_keys(tagger: Path, host: str) -> None:
    result = serve(tagger, "--host", host)
    assert result.exit_code == 2 and "needs API keys" in told(result)


def test_a_localhost_that_others_reach_needs_keys(tagger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("0.0.0.0", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(Deidentifier, "load", lambda *_, **__: pytest.fail("a model was loaded"))
    result = serve(tagger, "--host", "localhost")
    assert result.exit_code == 2 and "--host localhost: others could reach the service" in told(result)


def test_what_cannot_be_served_is_refused(tagger: Path, tmp_path: Path) -> None:
    assert serve(tmp_path / "nothing").exit_code == 2
    assert "no such file" in told(serve(tagger, "--keys", tmp_path / "none.json"))
    real = tmp_path / "real.jsonl"
    real.write_text(json.dumps({"doc_id": "1", "text": SECRET, "entities": []}) + "\n", encoding="utf-8")
    refused = serve(tagger, "--corpus", real)
    assert refused.exit_code == 2 and "not known to be synthetic" in told(refused) and SECRET not in refused.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        busy = serve(tagger, "--port", port, "--device", "cpu")
    assert busy.exit_code == 2 and f"--port {port}: Address already in use" in told(busy)


def test_files_and_port_are_looked_at_before_a_model_is_loaded(
    tagger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object, **__: object) -> None:
        raise AssertionError("no model is loaded for nothing")

    monkeypatch.setattr(Deidentifier, "load", load)
    missing = serve(tagger, "--corpus", tmp_path / "none.jsonl")
    assert missing.exit_code == 2 and "none.jsonl" in told(missing)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = serve(tagger, "--port", taken.getsockname()[1])
    assert busy.exit_code == 2 and "Address already in use" in told(busy)


def test_a_port_that_another_takes_meanwhile_is_refused() -> None:
    with bound("127.0.0.1", 0) as mine:
        port = mine.getsockname()[1]
        with bound("127.0.0.1", port) as other:
            other.listen()
            with pytest.raises(InputError, match=f"--port {port}: Address already in use"):
                run_service(everything(), mine)


def test_a_service_that_is_stopped_while_it_starts_says_so(tagger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Deidentifier, "load", lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM))
    result = serve(tagger, "--port", "0")
    assert result.exit_code == 0 and told(result).endswith("stopped before it was ready")
    assert "run the same command again" not in told(result)


def test_without_its_libraries_the_extra_is_named(tagger: Path) -> None:
    code = (
        f"import sys; sys.modules['fastapi'] = None\nfrom deidsynth.cli.app import app; app(['serve', {str(tagger)!r}])"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 2
    assert "deidsynth serve needs an optional dependency: pip install 'deidsynth[serve]'" in done.stderr
