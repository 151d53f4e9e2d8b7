"""The routes. The only module that imports FastAPI."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from contextlib import nullcontext
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Path, Query, Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel

from runs import api_account_models as account_models
from runs import api_models as models
from runs import api_signal_models as signal_models
from runs.api_answers import Answers
from runs.api_bodies import Body
from runs.api_conditions import is_unchanged
from runs.api_fields import AskedBar
from runs.api_folders import Absent, Damaged
from runs.api_guard import App, Guard
from runs.api_page import PAGE_POLICY, describe
from runs.api_parameters import (
    LongPage,
    NoParameters,
    PageOf,
    PageOfBars,
    PageOfTable,
    PageOfValues,
)

__all__ = ["VERSION", "make_app"]

VERSION = "0.1.0"
_BAR = "the bar: a date, or an hour as 2024-05-31T14:00Z"
_TITLE = "Factor Investing with a Crypto Twist"
_ABOUT = (
    "Read-only: runs, signals and the paper account, as the commands wrote them. Dates are ISO "
    "sessions, money is in the account's currency, rates are fractions, null is not known. "
    "Answers carry an ETag: sent back in If-None-Match it saves the body."
)
#: Bytes handed to the connection at once: what a slow reader has not taken is not copied.
_PIECE = 128 << 10
Name = Annotated[str, Path(min_length=1, max_length=255, description="as the list has it")]
#: Threads that read the ledger: a lock may keep them waiting, and nobody else.
_LEDGER_THREADS = 2
#: A time of change this recent (seconds) could be followed by another of the same second.
_SETTLED = 2.0


def make_app(
    answers: Answers,
    *,
    token: str | None = None,
    hosts: Collection[str] | None = None,
    origins: Collection[str] = (),
) -> App:
    """The endpoint as an ASGI application.

    Parameters
    ----------
    answers : Answers
    token : str, optional
        What ``Authorization: Bearer`` must carry on all routes but health and description.
    hosts : collection of str, optional
        Names by which the server may be called; any unless given.
    origins : collection of str
        Of the web pages whose scripts may read; none unless given.
    """
    app = FastAPI(
        title=_TITLE,
        description=_ABOUT,
        version=VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    _add_descriptions(app)
    # Checked by the guard, before anything is parsed; said here for the description.
    bearer = [] if token is None else [Security(HTTPBearer(auto_error=False))]
    router = APIRouter(dependencies=bearer)
    _add_runs(router, answers)
    _add_signals(router, answers)
    _add_account(router, answers)
    app.include_router(router)
    _add_problems(app)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(origins),
            allow_methods=["GET", "HEAD"],
            allow_headers=["Authorization", "If-None-Match", "If-Modified-Since"],
            expose_headers=["ETag", "Last-Modified"],
        )
    return Guard(app, token, hosts, origins)


def _add_descriptions(app: FastAPI) -> None:
    @app.get("/v1/health", response_model=models.Health, responses=_problems(), tags=["server"])
    async def health(asked: Annotated[NoParameters, Query()]) -> Any:
        """Whether the server answers; needs no token."""
        return models.Health(status="ok", version=VERSION)

    @app.get("/v1/openapi.json", include_in_schema=False)
    async def description() -> Any:
        return JSONResponse(app.openapi())

    @app.get("/", include_in_schema=False)
    async def page() -> Any:
        policy = {"content-security-policy": PAGE_POLICY}
        return HTMLResponse(describe(app.openapi()), headers=policy)


def _add_runs(app: APIRouter, answers: Answers) -> None:
    @_route(app, "/v1/runs", models.RunPage, "runs")
    async def runs(request: Request, page: Annotated[PageOf, Query()]) -> Any:
        """Runs by name, with headline metrics: null where a run's file is damaged."""
        return await _answer(request, answers.runs, page.limit, page.offset)

    @_route(app, "/v1/runs/{name}/metrics", models.Metrics, "runs")
    async def metrics(request: Request, name: Name, asked: Annotated[NoParameters, Query()]) -> Any:
        """Every metric of a run."""
        return await _answer(request, answers.metrics, name)

    @_route(app, "/v1/runs/{name}/manifest", models.Manifest, "runs")
    async def manifest(
        request: Request, name: Name, asked: Annotated[NoParameters, Query()]
    ) -> Any:
        """What made a run: command, seed, hashes of its data, versions."""
        return await _answer(request, answers.manifest, name)

    for table, (model, about) in _TABLES.items():
        _add_table(app, answers, table, model, about)


_TABLES: dict[str, tuple[type[BaseModel], str]] = {
    "values": (models.ValuePage, "Account value, cash and exposure by session."),
    "fills": (models.FillPage, "What was traded, at what price and cost."),
    "carry": (models.CarryPage, "Borrow fees, funding, interest and rebates."),
    "weights": (
        models.WeightPage,
        "Scores and target weights of every eligible asset at each decision.",
    ),
    "positions": (models.PositionPage, "Holdings after the fills of each rebalance."),
    "factor_returns": (
        models.FactorReturnPage,
        "Returns of each factor's own long-short portfolio by session, without costs.",
    ),
}


def _add_table(
    app: APIRouter, answers: Answers, table: str, model: type[BaseModel], about: str
) -> None:
    async def rows(request: Request, name: Name, page: Annotated[PageOfTable, Query()]) -> Any:
        given = (page.limit, page.offset, page.start, page.end)
        return await _answer(request, answers.table, table, name, *given)

    rows.__name__, rows.__doc__ = table, about
    _route(app, f"/v1/runs/{{name}}/{table}", model, "runs")(rows)


def _add_signals(app: APIRouter, answers: Answers) -> None:
    @_route(app, "/v1/signals", signal_models.SignalsPage, "signals")
    async def signals(request: Request, page: Annotated[PageOf, Query()]) -> Any:
        """Configurations that have signals."""
        return await _answer(request, answers.signals, page.limit, page.offset)

    @_route(app, "/v1/signals/{name}/latest", signal_models.Signals, "signals")
    async def latest(request: Request, name: Name, page: Annotated[LongPage, Query()]) -> Any:
        """Scores, ranks, target weights and orders off the latest closed bar."""
        return await _answer(request, answers.latest, name, page.limit, page.offset)

    @_route(app, "/v1/signals/{name}/status", signal_models.Status, "signals")
    async def status(request: Request, name: Name, asked: Annotated[NoParameters, Query()]) -> Any:
        """What a live session is doing, by its last step; 404 where there is none."""
        return await _answer(request, answers.status, name)

    @_route(app, "/v1/signals/{name}/history", signal_models.HistoryPage, "signals")
    async def history(request: Request, name: Name, page: Annotated[PageOfBars, Query()]) -> Any:
        """Bars of which signals were kept, the latest first."""
        given = (page.limit, page.offset, page.start, page.end)
        return await _answer(request, answers.history, name, *given)

    @_route(app, "/v1/signals/{name}/history/{as_of}", signal_models.Signals, "signals")
    async def past(
        request: Request,
        name: Name,
        as_of: Annotated[AskedBar, Path(description=_BAR)],
        page: Annotated[LongPage, Query()],
    ) -> Any:
        """Signals of an earlier bar."""
        return await _answer(request, answers.past, name, as_of, page.limit, page.offset)


def _add_account(app: APIRouter, answers: Answers) -> None:
    threads = asyncio.Semaphore(_LEDGER_THREADS)

    @_route(app, "/v1/portfolio", account_models.Portfolio, "paper account")
    async def portfolio(request: Request, asked: Annotated[NoParameters, Query()]) -> Any:
        """Positions, cash and value of the paper account, replayed from its ledger."""
        return await _answer(request, answers.portfolio, threads=threads)

    @_route(app, "/v1/portfolio/values", account_models.PortfolioValuePage, "paper account")
    async def portfolio_values(request: Request, page: Annotated[PageOfValues, Query()]) -> Any:
        """Account value, cash and exposure of the paper account by bar."""
        given = (page.limit, page.offset, page.start, page.end)
        return await _answer(request, answers.portfolio_values, *given, threads=threads)


def _route(app: APIRouter, path: str, model: type[BaseModel], tag: str) -> Callable[..., Any]:
    return app.get(path, response_model=model, responses=_problems(404, 503), tags=[tag])


def _problems(*further: int) -> dict[int | str, dict[str, Any]]:
    said = {
        400: "not HTTP as it is spoken",
        401: "a bearer token is needed",
        404: "there is nothing of this name",
        405: "the endpoint is read-only",
        413: "the request has a body",
        414: "the address is too long",
        421: "the server does not go by this name",
        422: "a parameter is unknown or out of its bounds",
        431: "the headers are too long",
        503: "the file is damaged, too large or being written",
    }
    codes = (400, 401, 405, 413, 414, 421, 422, 431, *further)
    answer = {code: {"model": models.Problem, "description": said[code]} for code in sorted(codes)}
    unchanged = {"description": "unchanged since the ETag or date that was sent"}
    return {**({304: unchanged} if further else {}), **answer}


def _add_problems(app: FastAPI) -> None:
    @app.exception_handler(404)
    async def absent(request: Request, error: Exception) -> Response:
        return _problem(404, "there is no such address; / lists them")

    @app.exception_handler(Absent)
    async def missing(request: Request, error: Exception) -> Response:
        return _problem(404, str(error))

    @app.exception_handler(Damaged)
    async def damaged(request: Request, error: Exception) -> Response:
        return _problem(503, str(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"][1:])
        # What was sent is not sent back, but for the name of a parameter.
        why = first["msg"].removeprefix("Value error, ")
        return _problem(422, f"{at[:40]!r}: {why}")


def _problem(status: int, detail: str) -> Response:
    return JSONResponse(models.Problem(detail=detail).model_dump(), status)


async def _answer(
    request: Request,
    make: Callable[..., Body | None],
    *given: Any,
    threads: asyncio.Semaphore | None = None,
) -> Response:
    """The answer from memory; or made by another thread, so that others are not kept waiting."""
    body = make(*given, cached=True)
    if body is None:
        async with threads or nullcontext():
            body = await run_in_threadpool(make, *given)
    headers = {"etag": body.etag, "cache-control": "private, no-cache"}
    if body.modified is not None and body.modified < time.time() - _SETTLED:
        headers["last-modified"] = body.last_modified
    if is_unchanged(request.headers, body.etag, headers.get("last-modified")):
        return Response(status_code=304, headers=headers)
    return Pieces(body.content, headers=headers, media_type="application/json")


class Pieces(Response):
    """A response that is handed over piece by piece, as the client takes it.

    The bytes are shared with the cache: a client that reads slowly holds one piece, not a copy.
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        start = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        body = self.body
        for begin in range(0, max(1, len(body)), _PIECE):
            more = begin + _PIECE < len(body)
            piece = body[begin : begin + _PIECE]
            await send({"type": "http.response.body", "body": piece, "more_body": more})
