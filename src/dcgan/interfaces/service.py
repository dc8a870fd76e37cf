"""A trained generator over HTTP: images by seed, for browsers, for clients of Open Inference and of OpenAI's images."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from fastapi import FastAPI, HTTPException, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from dcgan.interfaces.service_answers import MEDIA_TYPES, archive, as_file, base64_of, identity_of, sheet
from dcgan.interfaces.service_asked import LARGEST_SEED, ImagesRequest
from dcgan.interfaces.service_drawing import Busy, Metrics, Painter
from dcgan.interfaces.service_guard import Guard
from dcgan.interfaces.service_protocols import add_protocols
from dcgan.interfaces.service_texts import docs_page
from dcgan.runs.generator import TrainedGenerator

MOST_WAITING = 256
MOST_FRAMES = 120
RunName = Annotated[str | None, Query(max_length=200, description="One of several runs (default: the first).")]
LabelName = Annotated[str | None, Query(max_length=200, description="The name of a class.")]
Seed = Annotated[int, Query(ge=0, le=LARGEST_SEED)]
ERRORS: dict[int | str, dict[str, object]] = {
    code: {"description": words}
    for code, words in {
        400: "Not a request of this service", 401: "No token", 403: "Host or site not served", 404: "Nothing there",
        406: "This run's images do not fit into that format", 408: "The body took too long", 413: "Too large",
        429: "Too many requests at once", 503: "The answer took too long",
    }.items()
}  # fmt: skip


@dataclass
class Served:
    """One run that is served."""

    name: str
    generator: TrainedGenerator
    painter: Painter
    identity: str

    def class_number(self, label: str | None) -> int | None:
        """The number of a class by its name; 404 for one that is not known."""
        if label is None:
            return None
        if label not in self.generator.class_names:
            raise HTTPException(404, "label: no such class")
        return self.generator.class_names.index(label)


class Service:
    """All runs that are served, found by name."""

    def __init__(self, generators: Mapping[str, TrainedGenerator], metrics: Metrics) -> None:
        self.metrics, self.ready = metrics, False
        self.runs = {
            name: Served(name, each, Painter(each, metrics, most_waiting=MOST_WAITING), identity_of(each))
            for name, each in generators.items()
        }

    def run(self, name: str | None) -> Served:
        """A run by its name, the first without one; 404 for one that is not served."""
        if name is None:
            return next(iter(self.runs.values()))
        if name not in self.runs:
            raise HTTPException(404, "run: no such run")
        return self.runs[name]

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Draw from start to stop."""
        for served in self.runs.values():
            served.painter.start()
        self.ready = True
        yield
        self.ready = False
        for served in self.runs.values():
            await served.painter.stop()


def application(
    generators: Mapping[str, TrainedGenerator],
    *,
    token: str | None = None,
    hosts: Collection[str] = (),
    page: bytes = b"",
) -> Guard:
    """The whole service. ``page``: what / shows."""
    metrics = Metrics()
    service = Service(generators, metrics)
    app = FastAPI(title="dcgan", lifespan=service.lifespan, docs_url=None, redoc_url=None, responses=ERRORS)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Busy, _busy)
    _add_pages(app, service, page)
    _add_images(app, service)
    add_protocols(app, service)
    return Guard(app, metrics=metrics, token=token, hosts=hosts)


def _add_pages(app: FastAPI, service: Service, page: bytes) -> None:
    @app.get("/", response_class=HTMLResponse)
    async def play() -> Response:
        """The page in which the generator runs."""
        return Response(page, media_type="text/html; charset=utf-8")

    @app.get("/docs", response_class=HTMLResponse)
    async def docs() -> Response:
        """This interface in words; nothing is loaded from elsewhere."""
        return HTMLResponse(docs_page(app.openapi()))

    @app.get("/healthz")
    async def alive() -> dict[str, str]:
        """Whether the process answers."""
        return {"status": "ok"}

    @app.get("/readyz")
    async def ready() -> Response:
        """Whether images can be asked for."""
        return JSONResponse({"ready": service.ready}, 200 if service.ready else 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        """Counters for Prometheus."""
        return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)


def _add_images(app: FastAPI, service: Service) -> None:
    @app.get("/images/{seed}.{kind}", response_class=Response)
    async def image(
        request: Request,
        seed: Annotated[int, Path(ge=0, le=LARGEST_SEED)],
        kind: Annotated[str, Path(pattern="^(png|webp|npy)$")],
        label: LabelName = None,
        run: RunName = None,
    ) -> Response:
        """One image; the same bytes every time, which dcgan sample writes too."""
        served = service.run(run)
        number = served.class_number(label)
        tag = f'"{served.identity[:24]}-{seed}-{"" if number is None else number}-{kind}"'
        headers = {"ETag": tag, "Cache-Control": "private, max-age=31536000, immutable"}
        if tag in (one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")):
            return Response(status_code=304, headers=headers)
        (picture,) = await served.painter.draw([seed], None if number is None else [number])
        content = as_file(picture, kind)
        if content is None:
            raise HTTPException(406, "this run's images do not fit into that format; .npy holds everything")
        return Response(content, media_type=MEDIA_TYPES[kind], headers=headers)

    @app.post("/images", response_class=Response)
    async def images(asked: ImagesRequest, run: RunName = None) -> Response:
        """Several images: as JSON with base64, as a zip, or on one sheet."""
        served = service.run(run)
        if sum(part is not None for part in (asked.seeds, asked.n, asked.latents)) != 1:
            raise HTTPException(400, "give one of seeds, n and latents")
        drawn, names = await _drawn(served, asked)
        if asked.answer == "sheet":
            return Response(sheet(drawn), media_type="image/png")
        files = [as_file(picture, asked.format) for picture in drawn]
        whole = [content for content in files if content is not None]
        if len(whole) < len(files):
            raise HTTPException(406, "this run's images do not fit into that format; ask for single ones as .npy")
        if asked.answer == "zip":
            return Response(archive(whole, [f"{name}.{asked.format}" for name in names]), media_type="application/zip")
        return JSONResponse({"format": asked.format, "names": names, "images": base64_of(whole)})

    @app.get("/walk.gif", response_class=Response)
    async def walk(
        start: Annotated[int, Query(alias="from", ge=0, le=LARGEST_SEED)],
        end: Annotated[int, Query(alias="to", ge=0, le=LARGEST_SEED)],
        frames: Annotated[int, Query(ge=2, le=MOST_FRAMES)] = 24,
        label: LabelName = None,
        run: RunName = None,
    ) -> Response:
        """From one seed to another and back, as an animation."""
        from dcgan.interfaces.service_walk import walked

        served = service.run(run)
        return Response(await walked(served, (start, end), frames, served.class_number(label)), media_type="image/gif")


async def _drawn(served: Served, asked: ImagesRequest) -> tuple[np.ndarray, list[str]]:
    """The images of a request and their names."""
    import torch

    number = served.class_number(asked.label)
    if asked.latents is None:
        seeds = asked.seeds if asked.seeds is not None else list(range(asked.n or 0))
        labels = None if number is None else [number] * len(seeds)
        return await served.painter.draw(seeds, labels), [f"seed_{seed:05d}" for seed in seeds]
    size = served.generator.config.model.latent_size
    if any(len(row) != size for row in asked.latents):
        raise HTTPException(400, f"latents: each must have {size} numbers")
    latents = torch.tensor(asked.latents, dtype=torch.float32)
    classes = served.generator.labels(range(len(latents))) if number is None else torch.full((len(latents),), number)
    names = [f"latent_{index:05d}" for index in range(len(latents))]
    return await served.painter.draw_latents(latents, classes), names


async def _invalid(request: Request, error: Exception) -> Response:
    """The fields that are wrong, without what was in them: it may be anything."""
    assert isinstance(error, RequestValidationError)
    wrong = [
        {"field": ascii(".".join(map(str, one["loc"])))[1:-1][:200], "error": one["type"]} for one in error.errors()
    ]
    return JSONResponse({"error": "not a request of this service", "fields": wrong[:20]}, 400)


async def _busy(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "too many requests at once"}, 429, {"Retry-After": "1"})
