"""Points in and around a shape."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal

import numpy as np
import torch

from inr.argument import check_choice, check_count, check_positive
from inr.batch import Batch
from inr.sampler._sampler import Sampler, numbered_generator
from inr.signal import ShapeSignal


class ShapeSampler(Sampler):
    """Points anywhere and points near the surface, from pools that are labelled in the background.

    A pool serves a number of steps, while a thread makes the next pool. The seed and the step's
    number determine the pool of a step and the points that it draws.

    Args:
        batch_size: Points per step.
        uniform_in: Place of the points that are not near the surface: the ``cube``, or the mesh's
            bounding ``box``.
        near_share: Share of points near the surface in a pool.
        sigma: Standard deviation of their distance from the surface along each axis, in edges of
            the cube.
        pool_size: Points in a pool.
        reuse: Average number of times that a point of a pool is drawn.
        seed: Seed of pools and draws.
    """

    signals = ShapeSignal

    def __init__(
        self,
        *,
        batch_size: int = 16_384,
        uniform_in: Literal["cube", "box"] = "cube",
        near_share: float = 0.5,
        sigma: float = 0.01,
        pool_size: int = 524_288,
        reuse: int = 4,
        seed: int = 0,
    ) -> None:
        self.batch_size = check_count("batch_size", batch_size)
        self.uniform_in = check_choice("uniform_in", uniform_in, ("cube", "box"))
        self.near_share = check_positive("near_share", near_share, zero=True)
        if self.near_share > 1:
            raise ValueError(f"near_share is {near_share}; expected 0 to 1.")
        self.sigma = check_positive("sigma", sigma)
        self.pool_size = check_count("pool_size", pool_size)
        self.reuse = check_count("reuse", reuse)
        self.seed = check_count("seed", seed, minimum=0)
        self._pool: tuple[int, Batch] | None = None
        self._next: tuple[int, Future[Batch]] | None = None
        self._worker: ThreadPoolExecutor | None = None

    def draw(self, signal: ShapeSignal, number: int) -> Batch:
        steps = max(1, self.reuse * self.pool_size // self.batch_size)
        pool_number, step = divmod(number, steps)
        pool = self._get_pool(signal, pool_number)
        if 2 * step >= steps:
            self._prepare(signal, pool_number + 1)
        positions = torch.randint(
            self.pool_size,
            (self.batch_size,),
            generator=numbered_generator(self.seed, number, signal.device),
            device=signal.device,
        )
        return Batch(pool.coords[positions], pool.values[positions])

    def _get_pool(self, signal: ShapeSignal, number: int) -> Batch:
        if self._pool is None or self._pool[0] != number:
            self._prepare(signal, number)
            assert self._next is not None
            made = self._next[1].result()
            place = signal.device, signal.dtype
            self._pool = number, Batch(made.coords.to(*place), made.values.to(*place))
        return self._pool[1]

    def _prepare(self, signal: ShapeSignal, number: int) -> None:
        """Starts making a pool, unless that has started."""
        if self._next is None or self._next[0] != number:
            self._worker = self._worker or ThreadPoolExecutor(1, "labels")
            self._next = number, self._worker.submit(self._make_pool, signal, number)

    def _make_pool(self, signal: ShapeSignal, number: int) -> Batch:
        generator = np.random.default_rng([self.seed, number])
        near = round(self.near_share * self.pool_size)
        points = np.concatenate(
            [
                signal.draw_near(near, generator, self.sigma),
                signal.draw_uniform(
                    self.pool_size - near, generator, in_box=self.uniform_in == "box"
                ),
            ]
        )
        coords = points.astype(np.float32)
        values = signal.label(coords).astype(np.float32)
        return Batch(torch.from_numpy(coords), torch.from_numpy(values))
