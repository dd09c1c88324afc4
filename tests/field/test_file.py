"""Weights with what is needed to render them."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from inr.encoding import GaussianEncoding
from inr.field import Field
from inr.field.file import FieldDescription, load_field, save_field
from inr.network import MLPNetwork

DESCRIPTION = FieldDescription("image", 2, 3, (40, 60), {"dtype": "uint16", "bits": 12})


def make_field(seed: int) -> Field:
    torch.manual_seed(seed)
    encoding = GaussianEncoding(2, num_frequencies=4, seed=seed)
    return Field(encoding, MLPNetwork(8, 3, hidden_features=5))


def test_a_field_is_restored_with_its_frequencies_and_description(tmp_path: Path) -> None:
    field, other = make_field(0), make_field(1)
    points = torch.rand(5, 2)
    assert not torch.isclose(other(points), field(points)).all()
    save_field(tmp_path / "field.safetensors", field, DESCRIPTION)
    saved = load_field(tmp_path / "field.safetensors")
    tensors, description = saved.state, saved.description
    other.load_state_dict(tensors)
    assert torch.equal(other(points), field(points))
    assert description == DESCRIPTION
    assert "encoding.frequencies" in tensors


def test_a_view_is_saved_as_it_is_seen(tmp_path: Path) -> None:
    field = make_field(0)
    weight = field.network.output.weight  # type: ignore[union-attr]
    weight.data = torch.arange(15.0).reshape(5, 3).T
    save_field(tmp_path / "field.safetensors", field, DESCRIPTION)
    tensors = load_field(tmp_path / "field.safetensors").state
    assert torch.equal(tensors["network.output.weight"], weight)


@pytest.mark.parametrize(
    "format",
    [
        {"dtype": "uint16", "bits": 12, "low": 0.0, "high": 4095.0, "value_range": [-1.0, 1.0]},
        {"spacing": [0.5, 0.5, 2.0], "name": "π"},
        {},
    ],
)
def test_a_description_survives_json(format: dict[str, object]) -> None:
    description = dataclasses.replace(DESCRIPTION, lattice=(3, 4, 5), format=format)
    plain = json.loads(json.dumps(description.to_plain()))
    assert FieldDescription.from_plain(plain) == description


def test_descriptions_of_the_first_runs_are_read() -> None:
    plain = DESCRIPTION.to_plain()
    plain["pixel_format"] = plain.pop("format")
    assert FieldDescription.from_plain(plain) == DESCRIPTION


def test_an_incomplete_description_is_rejected() -> None:
    plain = DESCRIPTION.to_plain()
    del plain["lattice"]
    with pytest.raises(KeyError):
        FieldDescription.from_plain(plain)
    with pytest.raises(TypeError):
        FieldDescription.from_plain({**DESCRIPTION.to_plain(), "lattice": 5})


def write_garbage(path: Path) -> None:
    path.write_bytes(b"\x00garbage" * 100)


def write_nothing(path: Path) -> None:
    path.touch()


def write_cut(path: Path) -> None:
    save_field(path, make_field(0), DESCRIPTION)
    path.write_bytes(path.read_bytes()[:-100])


def write_of_another_program(path: Path) -> None:
    save_file({"weight": torch.ones(3)}, path)


def write_of_a_description_that_is_none(path: Path) -> None:
    save_file({"weight": torch.ones(3)}, path, metadata={"inr": '{"lattice": 3}'})


@pytest.mark.parametrize(
    "write",
    [
        write_garbage,
        write_nothing,
        write_cut,
        write_of_another_program,
        write_of_a_description_that_is_none,
    ],
)
def test_what_is_no_field_is_rejected(write: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "field.safetensors"
    write(path)
    with pytest.raises(ValueError, match=r"is no file of weights .* expected a field.safetensors"):
        load_field(path)


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_field(tmp_path / "none.safetensors")


def test_a_field_replaces_the_old_one_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "field.safetensors"
    save_field(path, make_field(0), DESCRIPTION)
    old = path.read_bytes()

    def fail(tensors: object, target: Path, metadata: object) -> None:
        Path(target).write_bytes(b"half")
        raise OSError

    monkeypatch.setattr("inr.field.file.save_file", fail)
    with pytest.raises(OSError):
        save_field(path, make_field(1), DESCRIPTION)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]
