"""Points of a cloud and points anywhere in the cube."""

import torch

from inr.argument import check_count
from inr.batch import SurfaceBatch
from inr.sampler._sampler import Sampler, numbered_generator
from inr.signal import PointCloudSignal


class PointCloudSampler(Sampler):
    """Points of the cloud and as many points anywhere in the cube, alternately.

    Args:
        batch_size: Points per step, half of which are points of the cloud.
        seed: Seed of the draws.
    """

    signals = PointCloudSignal

    def __init__(self, *, batch_size: int = 16_384, seed: int = 0) -> None:
        self.batch_size = check_count("batch_size", batch_size, 2)
        self.seed = check_count("seed", seed, minimum=0)

    def draw(self, signal: PointCloudSignal, number: int) -> SurfaceBatch:
        generator = numbered_generator(self.seed, number, signal.device)
        near = self.batch_size // 2
        chosen = torch.randint(
            len(signal.points), (near,), generator=generator, device=signal.device
        )
        # Alternately, so that micro-batches have as many of both.
        coords = torch.rand(
            self.batch_size, 3, generator=generator, dtype=signal.dtype, device=signal.device
        )
        values, normals = torch.zeros_like(coords[:, :1]), torch.zeros_like(coords)
        on_surface = slice(0, 2 * near, 2)
        coords[on_surface], normals[on_surface] = signal.points[chosen], signal.normals[chosen]
        values[on_surface] = 1
        return SurfaceBatch(coords, values, None, normals)
