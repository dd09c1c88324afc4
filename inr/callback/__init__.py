"""Lightning callbacks: what is probed, written and guarded while a field trains."""

from inr.callback._descent import Steps
from inr.callback._member import MemberCallback, check_shows_members
from inr.callback._probe import ProbeCallback, ProbeError
from inr.callback._record import Chart, Record
from inr.callback._set_quality import SetQualityCallback, mean_quality
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
    "Chart",
    "CheckpointCallback",
    "CurveCallback",
    "DivergenceCallback",
    "DivergenceError",
    "FrequencyBandsCallback",
    "InterruptionCallback",
    "MemberCallback",
    "NTKSpectrumCallback",
    "PathKernelCallback",
    "PredictedDynamicsCallback",
    "ProbeCallback",
    "ProbeError",
    "ProgressCallback",
    "ReconstructionCallback",
    "Record",
    "SetQualityCallback",
    "Steps",
    "check_shows_members",
    "mean_quality",
]
