"""Lightning callbacks: what is watched, written and guarded while a field trains."""

from inr.callback._descent import Steps
from inr.callback._look import LookCallback
from inr.callback.checkpoint import CheckpointCallback
from inr.callback.curve import CurveCallback
from inr.callback.divergence import DivergenceCallback, DivergenceError
from inr.callback.frequency_bands import FrequencyBandsCallback
from inr.callback.interruption import InterruptionCallback
from inr.callback.ntk_spectrum import NTKSpectrumCallback
from inr.callback.path_kernel import PathKernelCallback
from inr.callback.predicted_dynamics import PredictedDynamicsCallback
from inr.callback.progress import ProgressCallback
from inr.callback.reconstruction import ReconstructionCallback

__all__ = [
    "CheckpointCallback",
    "CurveCallback",
    "DivergenceCallback",
    "DivergenceError",
    "FrequencyBandsCallback",
    "InterruptionCallback",
    "LookCallback",
    "NTKSpectrumCallback",
    "PathKernelCallback",
    "PredictedDynamicsCallback",
    "ProgressCallback",
    "ReconstructionCallback",
    "Steps",
]
