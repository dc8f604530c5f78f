"""What the service answers, what it refuses, and that nothing of a text is told anywhere else."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("fastapi")

from starlette.testclient import TestClient

from deidsynth.server.keys import ApiKeys
from deidsynth.server.pages import page_files
from deidsynth.server.service import Served, make_service
from served import HERE, SECRET, Finder, at_once, client, everything, served

TEXT = f"😀 {SECRET} och Alvedina.\r\n"


@pytest.fixture
def whole() -> Iterator[TestClient]:
    with client(everything()) as found:
        yield found


def test_a_text_is_de_identified_with_offsets_in_code_points(whole: TestClient) -> None:
    answer = whole.post("/v1/deidentify", json={"text": TEXT})
    assert answer.status_code == 200
    assert answer.json() == {
        "text": "😀 [NAME] och [NAME].\r\n",
        "entities": [
            {"start": 2, "end": 9, "label": "NAME", "score": 0.4},
            {"start": 14, "end": 22, "label": "NAME", "score": 0.99},
        ],
        "replacements": [
            {"start": 2, "end": 9, "new_start": 2, "new_end": 8, "label": "NAME", "action": "mask", "source": "model"},
            {"start": 14, "end": 22, "new_start": 13, "new_end": 19, "label": "NAME", "action": "mask",
             "source": "model"},
        ],
    }  # fmt: skip


def test_a_batch_is_answered_in_its_order_and_patients_reach_the_runtime() -> None:
    finder = Finder()
    texts = [f"{number} Alvedina" for number in range(20)]
    with client(served(finder)) as found:
        sent = [{"text": text, "patient": f"p-{number}"} for number, text in enumerate(texts)]
        answer = found.post("/v1/batch", json={"documents": sent})
    assert [each["text"] for each in answer.json()["documents"]] == [f"{number} [NAME]" for number in range(20)]
    groups = [document.group for batch in finder.batches for document in batch]
    assert groups == [f"p-{number}" for number in range(20)]


def test_the_other_model_answers_only_where_there_is_one(whole: TestClient) -> None:
    answer = whole.post("/v1/compare", json={"text": "Alvedina, Cirkelia"}).json()
    assert answer["text"] == "[NAME], Cirkelia"
    with client(served(Finder())) as lone:
        assert lone.post("/v1/compare", json={"text": "Alvedina"}).status_code == 404
        assert lone.get("/v1/corpus").status_code == 404


def test_info_names_models_labels_and_limits(whole: TestClient) -> None:
    info = whole.get("/v1/info").json()
    assert [model["name"] for model in info["models"]] == ["synthetic", "gold"]
    assert info["models"][0]["labels"] == ["CITY", "NAME", "PHONE"], "patterns find some too"
    assert info["has_corpus"] and info["policy"] == "masks everything" and info["body_bytes"] == 1_000_000


def test_the_corpus_is_filtered_by_label_score_and_flag(whole: TestClient) -> None:
    def found(**query: Any) -> list[str]:
        answer = whole.get("/v1/corpus", params=query)
        assert answer.status_code == 200
        return [note["doc_id"] for note in answer.json()["notes"]]

    assert found() == ["s-1", "s-2", "s-3"]
    assert found(label="NAME") == ["s-1", "s-2"]
    assert found(label="NAME", max_score=0.5) == ["s-2"]
    assert found(label="CITY", max_score=0.5) == []
    assert found(max_score=0.85) == ["s-2"]
    assert found(flag="flagged") == ["s-2"] and found(flag="not_checked") == ["s-3"]
    assert found(order="least_certain") == ["s-2", "s-1", "s-3"]
    assert found(offset=1, limit=1) == ["s-2"]
    whole_answer = whole.get("/v1/corpus", params={"limit": 1}).json()
    assert whole_answer["n_documents"] == whole_answer["n_found"] == 3
    assert whole_answer["counts"] == {"passed": 1, "flagged": 1, "not_checked": 1}
    assert whole_answer["labels"] == {"NAME": 2, "CITY": 1}


BAD: list[tuple[dict[str, Any], int, list[list[str | int]]]] = [
    ({"json": {"text": SECRET, SECRET: 1}}, 422, [["body", "?"]]),
    ({"json": {"text": [SECRET]}}, 422, [["body", "text"]]),
    ({"json": {"text": SECRET, "key": "00" * 32}}, 422, [["body", "?"]]),
    ({"json": {"text": SECRET, "patient": ""}}, 422, [["body", "patient"]]),
    ({"json": [SECRET]}, 422, [["body"]]),
    ({"content": f'{{"text": "{SECRET}'}, 400, []),
    ({"content": b'{"text": "\xff' + SECRET.encode() + b'"}'}, 400, []),
    ({"content": "[" * 100_000}, 400, []),
    ({"content": '{"text": "\\ud800"}'}, 422, [["body", "text"]]),
    ({"content": ""}, 422, [["body"]]),
]


@pytest.mark.parametrize(("sent", "status", "places"), BAD)
def test_a_request_of_another_form_is_refused_without_a_word_of_it(
    whole: TestClient, caplog: pytest.LogCaptureFixture, sent: dict[str, Any], status: int, places: Any
) -> None:
    caplog.set_level(logging.DEBUG, "deidsynth")
    answer = whole.post("/v1/deidentify", headers={"content-type": "application/json"}, **sent)
    assert answer.status_code == status
    assert answer.json()["error"]["places"] == places
    assert SECRET not in answer.text and SECRET not in caplog.text
    assert SECRET not in whole.get("/metrics").text


def test_a_fault_in_a_batch_is_named_by_its_place(whole: TestClient) -> None:
    answer = whole.post("/v1/batch", json={"documents": [{"text": "a"}, {"texts": SECRET}]})
    assert answer.status_code == 422
    assert answer.json()["error"]["places"] == [["body", "documents", 1, "text"], ["body", "documents", 1, "?"]]
    many = whole.post("/v1/batch", json={"documents": [{"text": "a"}] * 101})
    assert many.status_code == 422 and many.json()["error"]["places"] == [["body", "documents"]]


def test_an_error_is_short_however_much_is_wrong(whole: TestClient) -> None:
    json_type = {"content-type": "application/json"}
    items = '{"documents": [' + "{}," * 330_000 + "{}]}"
    texts = '{"documents": [' + '{"text": ""},' * 70_000 + '{"text": ""}]}'
    keys = json.dumps({"text": "a", **{str(number): 1 for number in range(80_000)}})
    began = time.perf_counter()
    for path, content, place in (
        ("/v1/batch", items, ["documents", 0, "text"]),
        ("/v1/batch", texts, ["documents"]),
        ("/v1/deidentify", keys, []),
        ("/v1/batch", f'{{"documents": [{keys}]}}', ["documents", 0]),
    ):
        answer = whole.post(path, content=content, headers=json_type)
        assert answer.status_code == 422 and answer.json()["error"]["places"] == [["body", *place]]
    assert time.perf_counter() - began < 3, "one that is wrong is enough"


def test_an_address_with_a_slash_at_its_end_is_another(whole: TestClient) -> None:
    answer = whole.post(f"/v1/deidentify/?text={SECRET}", json={"text": "a"}, follow_redirects=False)
    assert answer.status_code == 404 and SECRET not in f"{answer.headers} {answer.text}"


def test_the_log_names_the_key_by_its_name_and_never_the_text(
    keys: tuple[ApiKeys, str], caplog: pytest.LogCaptureFixture
) -> None:
    accepted, key = keys
    caplog.set_level(logging.INFO, "deidsynth")
    with client(replace(everything(), keys=accepted)) as found:
        good = {"authorization": f"Bearer {key}"}
        answer = found.post(f"/v1/deidentify?text={SECRET}", json={"text": SECRET}, headers=good)
        found.get(f"/{SECRET}", headers=good)
        found.request(SECRET.upper(), "/livez")
        metrics = found.get("/metrics", headers=good).text
    assert SECRET not in caplog.text and SECRET.upper() not in caplog.text and key not in caplog.text
    line = rf"POST /v1/deidentify 200 [0-9.]+s request={answer.headers['x-request-id']} key=ward-app"
    assert re.search(line, caplog.text)
    assert "GET other 404" in caplog.text and "other /livez 405" in caplog.text
    assert SECRET not in metrics and key not in metrics
    assert 'deidsynth_requests_total{path="/v1/deidentify",status="200"} 1.0' in metrics
    assert 'deidsynth_entities_total{label="NAME",source="model"} 1.0' in metrics
    assert "deidsynth_documents_total 1.0" in metrics


def test_a_document_that_cannot_be_processed_fails_alone_and_untold(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with client(served(Finder(seconds=0.2))) as found:
        answers = at_once(found, ["Alvedina", f"crash {SECRET}", "Cirkelia", "Alvedina"])
        assert [answer.status_code for answer in answers] == [200, 500, 200, 200]
        assert answers[1].json()["error"]["code"] == "not_processed" and answers[1].json()["error"]["places"] == []
        batch = found.post("/v1/batch", json={"documents": [{"text": "Alvedina"}, {"text": f"crash {SECRET}"}]})
        assert batch.status_code == 500 and "documents" not in batch.json()
        assert batch.json()["error"]["places"] == [["body", "documents", 1]]
        assert SECRET not in batch.text + answers[1].text + caplog.text + found.get("/metrics").text
    assert "a document could not be processed: unexpected ValueError" in caplog.text
    for answer in (answers[1], batch):
        line = f"request {answer.headers['x-request-id']}: a document could not be processed: unexpected ValueError"
        assert line in caplog.text


def test_an_unexpected_fault_is_told_by_type_and_place(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Served) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(Served, "info", fail)
    with client(everything()) as found:
        answer = found.get("/v1/info")
    assert answer.status_code == 500 and answer.json()["error"]["code"] == "failed"
    assert SECRET not in answer.text + caplog.text
    assert f"request {answer.headers['x-request-id']}: unexpected RuntimeError at deidsynth/server/" in caplog.text


def test_every_answer_forbids_what_is_not_the_services_own(whole: TestClient) -> None:
    for answer in (whole.get("/"), whole.get("/docs"), whole.get("/nothing"), whole.post("/v1/deidentify")):
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in answer.headers


def test_the_pages_refer_to_nothing_outside(whole: TestClient) -> None:
    names = page_files()
    assert {"index.html", "docs.html", "page.js", "page.css", "report.css"} <= set(names)
    for name, file in names.items():
        text = file.content.decode()
        without_example = text.replace("http://127.0.0.1:8000/", "")
        assert not re.search(r"https?:|//[a-z]+\.|@import|url\((?!#)", without_example), name
        assert " style=" not in text and not re.search(r"\son[a-z]+=", text), name
        assert whole.get(f"/page/{name}").content == file.content
    for name in ("index.html", "docs.html"):
        links = re.findall(r'(?:src|href)="([^"#]+)"', names[name].content.decode())
        for link in links:
            assert link == "data:," or whole.get(f"/{link.removeprefix('./')}").status_code == 200, link
    assert whole.get("/page/service.py").status_code == 404
    assert whole.get("/page/..%2Fservice.py").status_code == 404


def test_the_page_about_the_api_names_every_path_and_status(whole: TestClient) -> None:
    schema = whole.get("/openapi.json").json()
    docs = whole.get("/docs").text
    for path, methods in schema["paths"].items():
        assert path in docs
        for method in methods.values():
            for status in method["responses"]:
                assert status in docs or status == "200"


def test_the_service_is_ready_until_it_stops(whole: TestClient) -> None:
    assert whole.get("/livez").json() == {"status": "ok"}
    assert whole.get("/readyz").json() == {"status": "ok"}
    stopped = TestClient(make_service(everything()), base_url=HERE)  # its worker is not started
    assert stopped.get("/readyz").status_code == 503
