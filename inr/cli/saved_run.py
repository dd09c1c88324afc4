"""Runs on disk."""

import json
import warnings
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
import yaml
from omegaconf import OmegaConf
from torch import nn

from inr.cli.build import build_field
from inr.cli.compose import register_resolvers
from inr.cli.failure import BadInputError, bad_input
from inr.cli.image_set import FOLDER, KIND, reject_whole_set
from inr.cli.trust import check_targets
from inr.field import Field
from inr.field.file import FieldDescription, load_field
from inr.signal import KINDS


class SavedRun(NamedTuple):
    """A fitted field, ready to be evaluated.

    Attributes:
        folder: Folder for new files about the run.
        field: The field, on the CPU.
        description: What the field was fitted to.
        step: Step of the weights; None when the file does not say.
        config: Configuration of the run: plain data, not to be trusted.
    """

    folder: Path
    field: Field
    description: FieldDescription
    step: int | None
    config: dict[str, Any]


def load_run(path: str, *, trust: bool = False) -> SavedRun:
    """Reads a run directory, or one of its checkpoints.

    Args:
        path: A directory that ``inr-fit`` wrote, or a checkpoint in one.
        trust: Whether classes that are not the project's own may be built.

    Raises:
        BadInputError: The run does not exist, is damaged, or names a foreign class.
    """
    given = Path(path)
    if given.is_dir():
        if (given / "field.safetensors").is_file():
            return _load_weights(given, trust)
        if (given / FOLDER).is_dir():
            raise reject_whole_set(given)
        given = given / "checkpoints" / "last.ckpt"
        if not given.is_file():
            raise BadInputError(
                f"{path} holds neither field.safetensors nor checkpoints/last.ckpt; expected a "
                "run directory that inr-fit wrote."
            )
    elif not given.is_file():
        raise BadInputError(f"{path} does not exist; expected a run directory or a checkpoint.")
    return _load_checkpoint(given, trust)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint as plain data and tensors.

    Raises:
        BadInputError: The file is no checkpoint of this program, or holds more than data.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        record = checkpoint["inr"]
        description = FieldDescription.from_plain(record["description"])
        sizes = (description.in_features, description.out_features, *description.lattice)
        if not all(isinstance(size, int) for size in (*sizes, checkpoint["global_step"])):
            raise TypeError("its sizes are not whole numbers")
        if description.kind not in KINDS:
            raise ValueError(f"it is of {description.kind!r}")
        if not all(isinstance(override, str) for override in record["overrides"]):
            raise TypeError("its overrides are not text")
    except OSError as error:
        raise BadInputError(
            f"{path} cannot be read ({error.strerror}); expected such as RUN/checkpoints/last.ckpt."
        ) from error
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if "Weights only load failed" in str(error):
            reason = "it holds code, or is cut off"
        raise BadInputError(
            f"{path} is no checkpoint of inr-fit, which is plain data ({reason}); expected such as "
            "RUN/checkpoints/last.ckpt."
        ) from error
    return checkpoint


def _load_weights(folder: Path, trust: bool) -> SavedRun:
    config_path = folder / ".hydra" / "config.yaml"
    with bad_input():
        saved = load_field(folder / "field.safetensors")
    state, description = saved.state, saved.description
    try:
        text = config_path.read_text()
        # Hydra writes no aliases; a few can expand to more than fits into memory.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
            raise ValueError("it has aliases")
        config = OmegaConf.to_container(OmegaConf.create(text), resolve=False)
    except Exception as error:
        raise BadInputError(
            f"{config_path} cannot be read ({type(error).__name__}); expected the configuration "
            "that inr-fit wrote there."
        ) from error
    if description.kind not in KINDS:
        raise BadInputError(
            f"{folder} is a run of {description.kind!r}; expected one of "
            f"{', '.join(sorted(KINDS))}."
        )
    field = _build(config, state, description, trust, str(folder))
    return SavedRun(
        folder, field, description, _read_steps(folder / "metrics.json"), cast(Any, config)
    )


def _read_steps(path: Path) -> int | None:
    """The steps of a run's weights; None when its metrics do not say."""
    try:
        steps = json.loads(path.read_text())["steps"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return steps if isinstance(steps, int) else None


def _load_checkpoint(path: Path, trust: bool) -> SavedRun:
    checkpoint = load_checkpoint(path)
    record = checkpoint["inr"]
    description = FieldDescription.from_plain(record["description"])
    state = field_state(checkpoint)
    folder = path.parent.parent if path.parent.name == "checkpoints" else path.parent
    if description.kind == KIND:
        raise reject_whole_set(folder)
    field = _build(record["config"], state, description, trust, str(path))
    return SavedRun(folder, field, description, checkpoint["global_step"], record["config"])


def field_state(checkpoint: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The field's part of a checkpoint's state."""
    prefix = "field."
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in checkpoint["state_dict"].items()
        if name.startswith(prefix)
    }


def _build(
    config: Any,
    state: dict[str, torch.Tensor],
    description: FieldDescription,
    trust: bool,
    source: str,
) -> Field:
    register_resolvers()
    if not isinstance(config, dict) or not {"encoding", "network"} <= config.keys():
        raise BadInputError(f"{source} has no encoding and network in its configuration.")
    parts = {key: with_seed(config[key], config.get("seed")) for key in ("encoding", "network")}
    if not trust:
        check_targets(parts, source)
    field = build_field(OmegaConf.create(parts), description.in_features, description.out_features)
    load_weights(field, state, source)
    (dtype,) = {t.dtype for t in state.values() if t.is_floating_point()} or {torch.float32}
    return field.to(dtype).eval()


def with_seed(part: Any, seed: Any) -> Any:
    """A part of the configuration with ``${seed}``, the one interpolation in ours, filled in."""
    if not isinstance(part, dict):
        return part
    return {key: seed if value == "${seed}" else value for key, value in part.items()}


def load_weights(field: nn.Module, state: dict[str, torch.Tensor], source: str) -> None:
    """Fills a field with saved weights.

    Raises:
        BadInputError: The weights belong to another field.
    """
    try:
        field.load_state_dict(state)
    except RuntimeError as error:
        raise BadInputError(
            f"the weights in {source} belong to another encoding or network than this "
            f"configuration's ({str(error).splitlines()[-1].strip()})"
        ) from error
