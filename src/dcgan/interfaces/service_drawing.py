"""Requests gathered into batches: one thread draws, the queue is bounded, every image is that of its seed alone."""

import asyncio
import os
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from dcgan.interfaces.service_server import SHARED_COUNTS
from dcgan.runs.generator import CHUNK, TrainedGenerator

LONGEST_BATCH = 4 * CHUNK
GATHERING_SECONDS = 0.002
"""A batch waits so long for others to join, unless it is full."""


class Busy(Exception):  # noqa: N818  # a state of the service, not of the program
    """The queue is full, or the service is stopping."""


@dataclass(frozen=True)
class Asked:
    """Images that one request wants: their latents, and classes if there are any."""

    latents: torch.Tensor
    labels: torch.Tensor | None
    answer: "asyncio.Future[np.ndarray]"


class Metrics:
    """What the service counts, in a registry of its own; of several processes, in files that all of them share."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("dcgan_requests", "Answers.", ["route", "code"], registry=self.registry)
        self.seconds = Histogram("dcgan_request_seconds", "Time of an answer.", ["route"], registry=self.registry)
        self.images = Counter("dcgan_images", "Images drawn.", registry=self.registry)
        self.refused = Counter("dcgan_refused", "Requests refused.", ["reason"], registry=self.registry)
        self.waiting = Gauge(
            "dcgan_waiting_images", "Images that wait to be drawn.", multiprocess_mode="livesum", registry=self.registry
        )
        sizes = (1, 2, 4, 8, 16, 32, LONGEST_BATCH)
        self.batches = Histogram("dcgan_batch_images", "Images in a batch.", buckets=sizes, registry=self.registry)

    def text(self) -> bytes:
        """All of it as Prometheus reads it, summed over the processes."""
        if SHARED_COUNTS not in os.environ:
            return generate_latest(self.registry)
        whole = CollectorRegistry()
        MultiProcessCollector(whole)  # type: ignore[no-untyped-call]
        return generate_latest(whole)


class Painter:
    """Draws for all requests in turn. ``start`` and ``stop`` belong to one event loop."""

    def __init__(self, generator: TrainedGenerator, metrics: Metrics, *, most_waiting: int) -> None:
        self.generator, self.metrics, self.most_waiting = generator, metrics, most_waiting
        self._queue: deque[Asked] = deque()
        self._waiting, self._arrived = 0, asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="painter")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to draw."""
        self._task = asyncio.get_running_loop().create_task(self._draw_forever())

    async def stop(self) -> None:
        """End, the queue being empty: the server answers what it has before it stops."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._thread.shutdown(wait=True)

    async def draw(self, seeds: Sequence[int], labels: Sequence[int] | None = None) -> np.ndarray:
        """One image for each seed, n h w c; ``labels`` are class numbers."""
        classes = self.generator.labels(seeds) if labels is None else torch.tensor(labels, dtype=torch.int64)
        return await self.draw_latents(self.generator.latents(seeds), classes)

    async def draw_latents(self, latents: torch.Tensor, labels: torch.Tensor | None) -> np.ndarray:
        """One image for each latent, n h w c.

        Raises:
            Busy: More images wait than may.
        """
        if self._waiting + len(latents) > self.most_waiting:
            self.metrics.refused.labels("queue full").inc()
            raise Busy
        answer: asyncio.Future[np.ndarray] = asyncio.get_running_loop().create_future()
        self._waiting += len(latents)
        self.metrics.waiting.set(self._waiting)
        self._queue.append(Asked(latents, labels, answer))
        self._arrived.set()
        return await answer

    async def _draw_forever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            if sum(len(asked.latents) for asked in self._queue) < LONGEST_BATCH:
                await asyncio.sleep(GATHERING_SECONDS)
            batch = self._next_batch()
            if not self._queue:
                self._arrived.clear()
            wanted = [asked for asked in batch if not asked.answer.done()]  # nobody waits for the others any more
            try:
                pixels = await loop.run_in_executor(self._thread, self._paint, wanted) if wanted else []
                for asked, images in zip(wanted, pixels, strict=True):
                    if not asked.answer.done():
                        asked.answer.set_result(images)
            except Exception as error:  # the next batch may be well
                for asked in wanted:
                    if not asked.answer.done():
                        asked.answer.set_exception(error)
            finally:
                self._waiting -= sum(len(asked.latents) for asked in batch)
                self.metrics.waiting.set(self._waiting)

    def _next_batch(self) -> list[Asked]:
        """From the front of the queue as many requests as fit, one at least."""
        batch, size = [self._queue.popleft()], 0
        size = len(batch[0].latents)
        while self._queue and size + len(self._queue[0].latents) <= LONGEST_BATCH:
            batch.append(self._queue.popleft())
            size += len(batch[-1].latents)
        return batch

    def _paint(self, wanted: list[Asked]) -> list[np.ndarray]:
        latents = torch.cat([asked.latents for asked in wanted])
        classes = [asked.labels for asked in wanted if asked.labels is not None]
        pixels = self.generator.decode(latents, torch.cat(classes) if classes else None)
        self.metrics.images.inc(len(latents))
        self.metrics.batches.observe(len(latents))
        parts = torch.split(pixels, [len(asked.latents) for asked in wanted])
        return [part.permute(0, 2, 3, 1).numpy() for part in parts]
