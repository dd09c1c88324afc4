"""Whether an encoding reaches the frequencies that a signal has."""

import warnings

from omegaconf import DictConfig
from torch import nn

from inr.signal import LatticeSignal, Signal

# Of the highest frequency on a lattice. Natural images are fitted best at some hundredths of it.
LEAST, GOOD = 0.005, 0.05
# Knobs that make less of a signal, of those that have them.
CUTS = ("seconds", "crop")


def warn_of_low_frequencies(cfg: DictConfig, signal: Signal, field: nn.Module) -> None:
    """Says so where the scale is far below what a signal as fine as this one needs.

    Args:
        cfg: With the knobs of encoding and signal.
        signal: What is to be learnt.
        field: With the encoding.
    """
    frequencies = getattr(getattr(field, "encoding", None), "frequencies", None)
    if not isinstance(signal, LatticeSignal) or "scale" not in cfg.encoding or frequencies is None:
        return
    typical = frequencies.detach().square().mean(0).sqrt().tolist()
    shares = [f / (n / 2) for f, n in zip(typical, signal.lattice[::-1], strict=True)]
    if max(shares) < LEAST:
        better = cfg.encoding.scale * GOOD / max(shares)
        parts = [f", or signal.{knob} fits a part of it" for knob in CUTS if knob in cfg.signal]
        warnings.warn(
            f"encoding.scale={cfg.encoding.scale:g} is {max(shares):.2%} of the highest frequency "
            f"that {signal.name} can have, and much of it may not be learnt; "
            f"encoding.scale={better:.0f} reaches it{''.join(parts[:1])}",
            stacklevel=2,
        )
