"""A run or a checkpoint is data, not code."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from tests.conftest import Result


class Payload:
    """What must not happen."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch pwned",)


def change_checkpoint(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    path = folder / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    change(checkpoint)
    torch.save(checkpoint, "evil.ckpt")
    return Path("evil.ckpt")


@pytest.mark.parametrize(
    "command", [["inr-render"], ["inr-spectrum"], ["inr-fit", "ckpt_path="]], ids=lambda c: c[0]
)
@pytest.mark.parametrize("whole", [True, False])
def test_a_pickled_payload_is_never_run(
    command: list[str], whole: bool, fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    if whole:
        Path("evil.ckpt").write_bytes(pickle.dumps(Payload()))
    else:
        change_checkpoint(fit(), lambda c: c["inr"].update(config=Payload()))
    program, *prefix = command
    result = run_command(program, f"{''.join(prefix)}evil.ckpt")
    assert result.status == 2
    assert "plain data" in result.err
    assert not Path("pwned").exists()


@pytest.mark.parametrize("target", ["os.system", "torch.hub.load", "torch.optim.adam.os.system"])
def test_a_checkpoint_that_names_foreign_code_is_rejected(
    target: str, fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    def change(checkpoint: dict[str, Any]) -> None:
        checkpoint["inr"]["config"]["encoding"] = {"_target_": target, "command": "touch pwned"}

    path = change_checkpoint(fit(), change)
    result = run_command("inr-render", path, "-o", "out.png")
    assert result.status == 2
    assert target in result.err
    assert "--trust" in result.err
    assert not Path("pwned").exists()


def test_a_regression_builds_no_foreign_signal(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    def change(checkpoint: dict[str, Any]) -> None:
        checkpoint["inr"]["config"]["signal"] = {"_target_": "os.system", "command": "touch pwned"}

    path = change_checkpoint(fit(), change)
    assert run_command("inr-render", path, "-o", "out.png").status == 0
    result = run_command("inr-render", path, "--regression", "-o", "other.png")
    assert result.status == 2
    assert "asks to build 'os.system', which is not a class of this program" in result.err
    assert not Path("pwned").exists()


def test_a_nested_name_is_found(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    folder = fit()
    path = folder / ".hydra" / "config.yaml"
    config = OmegaConf.load(path)
    config.network.skips = [{"_target_": "os.system", "command": "touch pwned"}]
    OmegaConf.save(config, path)
    result = run_command("inr-render", folder, "-o", "out.png")
    assert result.status == 2
    assert "os.system" in result.err
    assert not Path("pwned").exists()


def test_overrides_in_a_checkpoint_name_no_class(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    path = change_checkpoint(
        fit(), lambda c: c["inr"]["overrides"].append("loss._target_=os.system")
    )
    result = run_command("inr-fit", f"ckpt_path={path}")
    assert result.status == 2
    assert "type the override yourself" in result.err


def test_a_class_that_the_user_trusts_is_built(
    fit: Callable[..., Path],
    run_command: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("own.py").write_text(
        "from inr.encoding import GaussianEncoding\nclass OwnEncoding(GaussianEncoding): pass\n"
    )
    monkeypatch.syspath_prepend(Path.cwd())
    folder = fit("encoding._target_=own.OwnEncoding")
    assert run_command("inr-render", folder, "-o", "out.png").status == 2
    assert run_command("inr-render", folder, "-o", "out.png", "--trust").status == 0


INDIRECT = "${oc.create:{_target_: numpy.f2py.crackfortran.myeval, e: 1}}"


def test_a_name_that_an_interpolation_would_make_is_rejected(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    folder = fit()

    def change(checkpoint: dict[str, Any]) -> None:
        checkpoint["inr"]["config"]["network"]["skips"] = INDIRECT

    path = folder / ".hydra" / "config.yaml"
    path.write_text(path.read_text().replace("skips: []", f"skips: '{INDIRECT}'"))
    for run in (folder, change_checkpoint(folder, change)):
        result = run_command("inr-spectrum", run)
        assert result.status == 2
        assert "plain values" in result.err


@pytest.mark.parametrize(
    "override",
    [
        f"network.skips='{INDIRECT}'",
        "network.skips='${oc.env:HOME}'",
        "--config-dir=/tmp",
        "+encoding={'_target_': os.system}",
    ],
)
def test_overrides_in_a_checkpoint_are_plain(
    override: str, fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    path = change_checkpoint(fit(), lambda c: c["inr"]["overrides"].append(override))
    result = run_command("inr-fit", f"ckpt_path={path}")
    assert result.status == 2
    assert "type the override yourself" in result.err


def test_a_class_in_a_composed_configuration_must_have_been_typed() -> None:
    from inr.cli.failure import BadInputError
    from inr.cli.trust import check_composed

    config = {"network": {"skips": [{"_target_": "own.Thing"}]}, "size": [1, 2]}
    check_composed(config, ["network.skips=[{_target_:own.Thing}]"], "x.ckpt")
    with pytest.raises(BadInputError, match=r"own\.Thing"):
        check_composed(config, ["seed=1"], "x.ckpt")


def test_aliases_that_would_fill_the_memory_are_rejected(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    folder = fit()
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join(9 * [f'*a{i - 1}'])}]" for i in range(1, 12)]
    (folder / ".hydra" / "config.yaml").write_text("\n".join(lines))
    result = run_command("inr-render", folder, "-o", "out.png")
    assert result.status == 2
    assert "cannot be read" in result.err
