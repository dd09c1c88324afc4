"""The device of a command."""

import torch


def choose_device(name: str) -> torch.device:
    """The device of a name; ``auto`` is the first GPU, or else the CPU.

    Raises:
        ValueError: The device is not available.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"--device {name} is not available here; expected auto or cpu.") from error
    return device
