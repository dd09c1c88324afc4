"""Optimizers ``module -> torch.optim.Optimizer``.

They take the module, not a list of parameters, so that they can treat layers differently.
"""

from inr.optimizer._muon import Muon as Muon
from inr.optimizer._preconditioner import adam_weighting, precondition, preconditioner_roots
from inr.optimizer.adam import adam
from inr.optimizer.adamw import adamw
from inr.optimizer.muon import muon
from inr.optimizer.sgd import sgd

__all__ = ["adam", "adam_weighting", "adamw", "muon", "precondition", "preconditioner_roots", "sgd"]
