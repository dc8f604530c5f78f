"""The service as an ASGI application: what it answers to each request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, NoReturn

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

import deidsynth
from deidsynth.config.policy import Policy
from deidsynth.deidentification.deidentified import Deidentified
from deidsynth.deidentification.runtime import Deidentifier
from deidsynth.documents import Document
from deidsynth.errors import type_and_place
from deidsynth.server.admission import PAGE, Admission
from deidsynth.server.asgi import Application, plain_error
from deidsynth.server.corpus_view import CorpusView, Order, Wanted
from deidsynth.server.keys import ApiKeys
from deidsynth.server.limits import Limits
from deidsynth.server.messages import (
    MOST_DOCUMENTS,
    BatchAnswer,
    BatchRequest,
    ErrorOut,
    Flag,
    InfoOut,
    ModelOut,
    NotesOut,
    StatusOut,
    TextAnswer,
    TextRequest,
    places_of,
)
from deidsynth.server.observation import Figures, Observation
from deidsynth.server.pages import page_files
from deidsynth.server.worker import NotProcessedError, Worker

log = logging.getLogger(__name__)

_REFUSALS = {
    400: ("not_json", "the body cannot be read as JSON"),
    404: ("not_found", "there is nothing at this path"),
    405: ("no_such_method", "this path takes another method"),
}
_ERRORS = {
    400: "the body is not JSON",
    401: "no valid API key",
    408: "the request did not arrive in time",
    413: "the request is too long",
    415: "Content-Type is not application/json",
    421: "the service is not known by the name that it was called by",
    422: "the request does not match the schema",
    500: "a document could not be processed, or the service failed",
    503: "all places are taken, or the time limit has passed; try again after Retry-After seconds",
}


@dataclass(frozen=True, slots=True)
class Served:
    """What a service serves.

    Args:
        deidentifier: what it answers with.
        name: of its model.
        compared: another one, whose answers the page shows beside those of the first.
        compared_name: of its model.
        corpus: to be read on the page.
        keys: that it accepts; None if it is for this machine only.
        limits: what it takes at most.
    """

    deidentifier: Deidentifier
    name: str
    compared: Deidentifier | None = None
    compared_name: str = ""
    corpus: CorpusView | None = None
    keys: ApiKeys | None = None
    limits: Limits = field(default_factory=Limits)

    def info(self) -> InfoOut:
        """What the service is."""
        models = [ModelOut(name=self.name, labels=list(self.deidentifier.findable))]
        if self.compared is not None:
            models.append(ModelOut(name=self.compared_name, labels=list(self.compared.findable)))
        return InfoOut(
            version=deidsynth.__version__,
            models=models,
            policy=_in_words(self.deidentifier.policy),
            body_bytes=self.limits.body_bytes,
            n_documents=MOST_DOCUMENTS,
            has_corpus=self.corpus is not None,
        )


def _in_words(policy: Policy) -> str:
    """What a policy is for, if it says so, else what it does."""
    by_label = [f"{label}: {action}" for label, action in policy.labels.items()]
    return policy.about or "; ".join([f"{policy.default} by default", *by_label])


def make_service(served: Served) -> Application:
    """The service as an application of any ASGI server; nothing that it logs or counts holds text."""
    limits = served.limits
    worker = Worker(batch_documents=limits.batch_documents, batch_characters=limits.batch_characters)
    figures = Figures()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        worker.start()
        yield
        await asyncio.to_thread(worker.stop, limits.seconds)

    app = FastAPI(
        title="deidsynth",
        version=deidsynth.__version__,
        description="De-identification of clinical text. Offsets count Unicode code points.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # the address that it tells would quote the request
        lifespan=lifespan,
    )
    _add_faults(app)
    _add_state(app, worker, figures)
    _add_pages(app)
    _add_deidentification(app, served, worker, figures)
    if served.corpus is not None:
        _add_corpus(app, served.corpus, served.keys is not None)
    admission = Admission(app, limits=limits, keys=served.keys)
    figures.inside.set_function(lambda: admission.n_inside)
    paths = [path for route in app.routes if "{" not in (path := getattr(route, "path", "{"))]
    return Observation(admission, paths=paths, figures=figures)


class _FailedDocumentsError(Exception):
    """Some documents of a request could not be processed.

    Args:
        faults: by the numbers of the documents.
        in_batch: whether the request has several.
    """

    def __init__(self, faults: Mapping[int, BaseException], in_batch: bool) -> None:
        self.places: list[list[str | int]] = [["body", "documents", number] for number in faults] if in_batch else []
        told = (str(each) if isinstance(each, NotProcessedError) else type_and_place(each) for each in faults.values())
        self.reasons = tuple(dict.fromkeys(told))
        super().__init__(self.reasons[0])


def _told(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for the schema."""
    return {status: {"model": ErrorOut, "description": _ERRORS[status]} for status in statuses}


def _add_faults(app: FastAPI) -> None:
    """Answers that are errors; none quotes the request, as the framework's own would."""

    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        faults = error.errors()
        if any(each["type"] == "json_invalid" for each in faults):
            return JSONResponse(plain_error("not_json", "the body is not valid JSON"), 400)
        message = "the request does not match the schema; see /docs for its fields, and places for what is wrong"
        return JSONResponse(plain_error("invalid", message, places_of(faults)), 422)

    async def refused(_: Request, error: HTTPException) -> JSONResponse:
        code, message = _REFUSALS.get(error.status_code, ("refused", "the request is refused; see /docs"))
        return JSONResponse(plain_error(code, message), error.status_code, headers=error.headers)

    async def not_processed(request: Request, error: _FailedDocumentsError) -> JSONResponse:
        for reason in error.reasons:
            log.error("request %s: a document could not be processed: %s", request.state.number, reason)
        message = f"nothing is returned, since a document could not be processed: {error}"
        return JSONResponse(plain_error("not_processed", message, error.places), 500)

    async def failed(_: Request, error: Exception) -> NoReturn:
        raise error  # to `Observation`, which logs and answers it

    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(_FailedDocumentsError, not_processed)
    app.add_exception_handler(Exception, failed)


def _add_state(app: FastAPI, worker: Worker, figures: Figures) -> None:
    """Whether the service is up, and its figures."""

    @app.get("/livez", responses=_told(421), summary="Whether the service runs")
    async def livez() -> StatusOut:
        return StatusOut(status="ok")

    @app.get(
        "/readyz",
        responses={503: {"model": StatusOut, "description": "it is stopping"}, **_told(421)},
        summary="Whether the service takes requests",
    )
    async def readyz(response: Response) -> StatusOut:
        if worker.is_alive:
            return StatusOut(status="ok")
        response.status_code = 503
        return StatusOut(status="stopping")

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(figures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_pages(app: FastAPI) -> None:
    """The page for people and the page about the API."""
    shipped = page_files()

    def send(name: str) -> Response:
        if name not in shipped:
            raise HTTPException(404)
        return Response(shipped[name].content, media_type=shipped[name].kind)

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return send("index.html")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return send("docs.html")

    @app.get(PAGE + "{name}", include_in_schema=False)
    async def of_page(name: str) -> Response:
        return send(name)


def _add_deidentification(app: FastAPI, served: Served, worker: Worker, figures: Figures) -> None:
    """What the service is for."""
    protected = () if served.keys is None else (401,)
    errors = _told(400, *protected, 408, 413, 415, 421, 422, 500, 503)

    async def computed(by: Deidentifier, documents: Sequence[TextRequest], in_batch: bool = False) -> list[TextAnswer]:
        waiting = [
            worker.submit(by, Document(str(number), each.text, group=each.patient))
            for number, each in enumerate(documents, start=1)
        ]
        results = await asyncio.gather(*map(asyncio.wrap_future, waiting), return_exceptions=True)
        faults = {number: each for number, each in enumerate(results) if isinstance(each, BaseException)}
        if faults:
            raise _FailedDocumentsError(faults, in_batch)
        found = [each for each in results if isinstance(each, Deidentified)]
        figures.count(found)
        return [TextAnswer.model_validate(each) for each in found]

    @app.get("/v1/info", responses=_told(*protected, 421), summary="What the service is")
    async def info() -> InfoOut:
        return served.info()

    @app.post("/v1/deidentify", responses=errors, summary="De-identify a text")
    async def deidentify(document: TextRequest) -> TextAnswer:
        return (await computed(served.deidentifier, [document]))[0]

    @app.post("/v1/batch", responses=errors, summary="De-identify several texts")
    async def batch(request: BatchRequest) -> BatchAnswer:
        return BatchAnswer(documents=await computed(served.deidentifier, request.documents, in_batch=True))

    if served.compared is not None:
        compared = served.compared

        @app.post("/v1/compare", responses=errors, summary="De-identify a text with the other model")
        async def compare(document: TextRequest) -> TextAnswer:
            return (await computed(compared, [document]))[0]


def _add_corpus(app: FastAPI, corpus: CorpusView, is_protected: bool) -> None:
    """The synthetic corpus."""
    protected = (401,) if is_protected else ()

    @app.get("/v1/corpus", responses=_told(*protected, 421, 422), summary="Read the synthetic corpus")
    async def notes(
        label: Annotated[str | None, Query(max_length=200, description="of an entity of the note")] = None,
        max_score: Annotated[float | None, Query(ge=0, le=1, description="of such an entity, at most")] = None,
        flag: Annotated[Flag | None, Query(description="of the note")] = None,
        order: Annotated[Order, Query(description="of the notes")] = "corpus",
        offset: Annotated[int, Query(ge=0, le=10**9, description="how many to leave out")] = 0,
        limit: Annotated[int, Query(ge=1, le=50, description="how many to return")] = 10,
    ) -> NotesOut:
        return corpus.find(Wanted(label, max_score, flag, order), offset, limit)
