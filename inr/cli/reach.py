"""A warning where an encoding does not reach the frequencies of a signal."""

import warnings

from omegaconf import DictConfig
from torch import nn

from inr.signal import LatticeSignal, Signal

# Shares of the highest frequency on a lattice. Natural images are fitted best at some hundredths.
LEAST, GOOD = 0.005, 0.05
# Options that fit a part of a signal, for the kinds that have them.
CUTS = ("seconds", "crop")


def warn_of_low_frequencies(cfg: DictConfig, signal: Signal, field: nn.Module) -> None:
    """Warns where the scale is far below the frequencies that a signal of this size can have.

    Args:
        cfg: Configuration with the options of the encoding and the signal.
        signal: Signal to be fitted.
        field: Field with the encoding.
    """
    frequencies = getattr(getattr(field, "encoding", None), "frequencies", None)
    if not isinstance(signal, LatticeSignal) or "scale" not in cfg.encoding or frequencies is None:
        return
    typical = frequencies.detach().square().mean(0).sqrt().tolist()
    shares = [f / (n / 2) for f, n in zip(typical, signal.lattice[::-1], strict=True)]
    if max(shares) < LEAST:
        better = cfg.encoding.scale * GOOD / max(shares)
        parts = [
            f", or signal.{option} fits a part of it" for option in CUTS if option in cfg.signal
        ]
        warnings.warn(
            f"encoding.scale={cfg.encoding.scale:g} is {max(shares):.2%} of the highest frequency "
            f"that {signal.name} can have, and much of it may not be learnt; "
            f"encoding.scale={better:.0f} reaches it{''.join(parts[:1])}",
            stacklevel=2,
        )
