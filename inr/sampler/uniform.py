"""Random training points."""

import torch

from inr.argument import check_count
from inr.batch import Batch
from inr.sampler._sampler import Sampler, numbered_generator
from inr.signal import FiniteSignal


class UniformSampler(Sampler):
    """Random training points, drawn with replacement.

    Args:
        batch_size: Points per step.
        seed: Seed of the draws.
    """

    def __init__(self, *, batch_size: int = 8192, seed: int = 0) -> None:
        self.batch_size = check_count("batch_size", batch_size)
        self.seed = check_count("seed", seed, minimum=0)

    def draw(self, signal: FiniteSignal, number: int) -> Batch:
        positions = torch.randint(
            signal.num_train,
            (self.batch_size,),
            generator=numbered_generator(self.seed, number, signal.device),
            device=signal.device,
        )
        return signal.train_points(positions)
