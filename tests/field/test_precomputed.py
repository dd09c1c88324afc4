"""Features looked up on a lattice against those of the formula and of the encoding."""

import copy
import math

import pytest
import torch
from torch import Tensor, nn

import inr.field.precomputed
from inr.batch import Batch
from inr.encoding import (
    BasicEncoding,
    Encoding,
    FourierEncoding,
    GaussianEncoding,
    IdentityEncoding,
    PositionalEncoding,
)
from inr.field import Field
from inr.field.precomputed import CachedMapping, FactoredMapping, MappedField, map_lattice
from inr.lattice import lattice_points
from inr.loss import mse
from inr.network import MLPNetwork, SirenNetwork
from tests.tolerance import assert_close

LATTICES = [(7,), (5, 9), (3, 6, 4)]
DTYPES = [torch.float64, torch.float32, torch.bfloat16]
CPU = torch.device("cpu")


def make_encodings(dimension: int) -> dict[str, FourierEncoding]:
    return {
        "basic": BasicEncoding(dimension, norm=3.0),
        "gaussian": GaussianEncoding(dimension, num_frequencies=6, scale=3.0),
        "gaussian of powers": GaussianEncoding(dimension, num_frequencies=6, amplitude_power=1.0),
        "positional": PositionalEncoding(dimension, num_frequencies=4, scale=16.0, norm=0.5),
    }


def draw_index(lattice: tuple[int, ...], count: int = 40) -> Tensor:
    """In no order, some of them twice."""
    return torch.randint(math.prod(lattice), (count,), generator=torch.Generator().manual_seed(0))


def brute_force(encoding: FourierEncoding, lattice: tuple[int, ...], index: Tensor) -> Tensor:
    """γ at lattice points by its docstring's formula, one number at a time."""
    waves = list(zip(encoding.amplitudes.tolist(), encoding.frequencies.tolist(), strict=True))
    rows = []
    for position in index.tolist():
        point = []
        for cells in reversed(lattice):
            position, cell = divmod(position, cells)
            point.append((cell + 0.5) / cells)
        phases = [2 * math.pi * sum(u * x for u, x in zip(b, point, strict=True)) for _, b in waves]
        pairs = [(a, phase) for (a, _), phase in zip(waves, phases, strict=True)]
        rows.append([a * math.cos(p) for a, p in pairs] + [a * math.sin(p) for a, p in pairs])
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize("lattice", LATTICES)
@pytest.mark.parametrize("name", sorted(make_encodings(1)))
def test_factored_features_follow_the_formula(name: str, lattice: tuple[int, ...]) -> None:
    encoding, index = make_encodings(len(lattice))[name], draw_index(lattice)
    expected = brute_force(encoding, lattice, index)
    double = FactoredMapping(encoding, lattice, dtype=torch.float64, device=CPU)(index)
    assert_close(double, expected)
    single = FactoredMapping(encoding, lattice, dtype=torch.float32, device=CPU)(index)
    # A rounding of each table and of each product: a few halves of 2^-23.
    errors = (single.double() - expected) / encoding.amplitudes.double().repeat(2)
    assert errors.abs().max() < 3e-7
    half = FactoredMapping(encoding, lattice, dtype=torch.bfloat16, device=CPU)(index)
    assert (double.dtype, half.dtype) == (torch.float64, torch.bfloat16)
    assert torch.equal(half, single.bfloat16())


def test_factored_features_are_nearer_to_the_truth_than_float32_phases() -> None:
    encoding, lattice = GaussianEncoding(2, num_frequencies=64, scale=50.0), (300, 200)
    index = draw_index(lattice, 100)
    expected = brute_force(encoding, lattice, index)
    mapping = FactoredMapping(encoding, lattice, dtype=torch.float32, device=CPU)
    error = (mapping(index) - expected).abs().max()
    assert error < 3e-7
    assert (encoding(lattice_points(lattice, index)) - expected).abs().max() > 30 * error


@pytest.mark.parametrize("block", [1, 12, 100])
def test_blocks_change_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    encoding, lattice = GaussianEncoding(3, num_frequencies=6), (3, 6, 4)
    mapping = FactoredMapping(encoding, lattice, dtype=torch.float32, device=CPU)
    index = draw_index(lattice)
    at_once = mapping(index)
    monkeypatch.setattr(inr.field.precomputed, "BLOCK", block)
    assert torch.equal(mapping(index), at_once)
    assert mapping(index[:0]).shape == (0, 12)


class Squares(Encoding):
    """An encoding that is no Fourier mapping."""

    def __init__(self) -> None:
        super().__init__(2, 5)
        self.most_points = 0

    def encode(self, coords: Tensor) -> Tensor:
        self.most_points = max(self.most_points, len(coords))
        return torch.cat([coords, coords**2, coords.prod(-1, keepdim=True)], dim=-1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("chunk", [5, 35, 2**20])
def test_cached_features_are_those_of_the_encoding(
    chunk: int, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inr.field.precomputed, "CHUNK", chunk)
    lattice = (5, 9)
    index = draw_index(lattice)
    double = dtype == torch.float64
    for encoding in (*make_encodings(2).values(), Squares()):
        encoding.to(torch.float64 if double else torch.float32)
        mapping = CachedMapping(encoding, lattice, dtype=dtype, device=CPU)
        points = lattice_points(lattice, dtype=torch.float64 if double else torch.float32)
        expected = encoding(points).to(dtype)
        assert mapping(index).dtype == dtype
        assert torch.equal(mapping(index), expected[index])
        assert torch.equal(mapping.features, expected)


def test_the_cache_is_made_of_few_points_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inr.field.precomputed, "CHUNK", 38)
    encoding = Squares()
    CachedMapping(encoding, (5, 9), dtype=torch.float32, device=CPU)
    assert encoding.most_points == 38 // 5


def test_both_say_what_memory_they_take() -> None:
    encoding = GaussianEncoding(2, num_frequencies=6)
    for dtype in DTYPES:
        cached = CachedMapping(encoding, (5, 9), dtype=dtype, device=CPU)
        assert cached.nbytes == 5 * 9 * 12 * dtype.itemsize
        factored = FactoredMapping(encoding, (5, 9), dtype=dtype, device=CPU)
        assert factored.nbytes == (5 + 9) * 12 * max(4, dtype.itemsize)
        assert cached.dtype == factored.dtype == dtype


@pytest.mark.parametrize("kind", [CachedMapping, FactoredMapping])
def test_a_lattice_of_another_dimension_is_rejected(
    kind: type[CachedMapping] | type[FactoredMapping],
) -> None:
    with pytest.raises(ValueError, match="expected 2"):
        kind(GaussianEncoding(2), (3, 4, 5), dtype=torch.float32, device=CPU)


class Shifted(FourierEncoding):
    """A Fourier mapping with a formula of its own."""

    def __init__(self) -> None:
        super().__init__(torch.tensor([[1.0, 2.0], [0.5, -3.0]]))

    def encode(self, coords: Tensor) -> Tensor:
        return super().encode(coords + 0.1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_budget_decides(dtype: torch.dtype) -> None:
    def choose(encoding: Encoding, budget: int) -> object:
        mapping = map_lattice(encoding, (5, 9), dtype=dtype, device=CPU, budget=budget)
        assert mapping is None or mapping.dtype == dtype
        return type(mapping)

    fourier = 5 * 9 * 12 * dtype.itemsize
    encoding = GaussianEncoding(2, num_frequencies=6)
    assert choose(encoding, fourier) is CachedMapping
    assert choose(encoding, fourier - 1) is FactoredMapping
    assert choose(encoding, 0) is FactoredMapping
    for other in (Squares(), Shifted()):
        needed = 5 * 9 * other.out_features * dtype.itemsize
        assert choose(other, needed) is CachedMapping
        assert choose(other, needed - 1) is type(None)


@pytest.mark.parametrize(
    "encoding", [IdentityEncoding(2), GaussianEncoding(2, num_frequencies=6, trainable=True)]
)
def test_nothing_is_mapped_where_nothing_is_saved_or_features_change(encoding: Encoding) -> None:
    for budget in (0, 2**30):
        assert map_lattice(encoding, (5, 9), dtype=torch.float32, device=CPU, budget=budget) is None


LATTICE = (5, 9)


def make_field(hidden_layers: int = 2) -> Field:
    torch.manual_seed(0)
    encoding = GaussianEncoding(2, num_frequencies=6, scale=2.0)
    network = MLPNetwork(12, 3, hidden_features=8, hidden_layers=hidden_layers, activation="tanh")
    return Field(encoding, network)


def draw_batch(dtype: torch.dtype = torch.float64, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    index = torch.randint(math.prod(LATTICE), (20,), generator=generator)
    values = torch.rand(20, 3, generator=generator, dtype=dtype)
    return Batch(lattice_points(LATTICE, index, dtype=dtype), values, index)


def zero_mapping(field: Field, dtype: torch.dtype = torch.float64) -> CachedMapping:
    """Features that are nowhere those of the field, to tell who looks them up."""
    mapping = CachedMapping(field.encoding, LATTICE, dtype=dtype, device=CPU)
    mapping.features.zero_()
    return mapping


def value_of_zeros(field: Field) -> Tensor:
    return field.network(torch.zeros(20, 12, dtype=torch.float64))


@pytest.mark.parametrize("budget", [0, 2**20])
@pytest.mark.parametrize("kind", [MLPNetwork, SirenNetwork])
def test_values_and_gradients_are_those_of_the_field(
    budget: int, kind: type[MLPNetwork] | type[SirenNetwork]
) -> None:
    torch.manual_seed(0)
    encoding = GaussianEncoding(2, num_frequencies=6, scale=2.0)
    field = Field(encoding, kind(12, 3, hidden_features=8, trainable="last_layer")).double()
    mapping = map_lattice(encoding, LATTICE, dtype=torch.float64, device=CPU, budget=budget)
    assert mapping is not None
    trained = [p for p in field.parameters() if p.requires_grad]
    mapped = MappedField(field, mapping)
    for seed in (0, 1):
        batch = draw_batch(seed=seed)
        assert_close(mapped.at(batch)(batch.coords), field(batch.coords))
        expected = torch.autograd.grad(mse(field, batch), trained)
        for slope, truth in zip(
            torch.autograd.grad(mse(mapped.at(batch), batch), trained), expected, strict=True
        ):
            assert_close(slope, truth)


def test_the_points_of_the_batch_are_looked_up_and_no_others() -> None:
    field, batch = make_field().double(), draw_batch()
    mapped = MappedField(field, zero_mapping(field))
    values = field(batch.coords)
    assert torch.equal(mapped(batch.coords), values)
    assert torch.equal(mapped.at(batch)(batch.coords), value_of_zeros(field))
    assert torch.equal(mapped(batch.coords.clone()), values)
    assert torch.equal(mapped.at(batch._replace(index=None))(batch.coords), values)
    assert torch.equal(mapped.at(draw_batch(seed=1))(batch.coords), values)


def test_a_loss_that_differentiates_in_the_points_sees_the_field() -> None:
    field, batch = make_field().double(), draw_batch()
    mapped = MappedField(field, zero_mapping(field)).at(batch)
    batch.coords.requires_grad_()
    slopes = [torch.autograd.grad(f(batch.coords).sum(), batch.coords)[0] for f in (mapped, field)]
    assert slopes[1].abs().max() > 0.1
    assert torch.equal(*slopes)
    jacobians = [torch.func.jacrev(f)(batch.coords.detach()) for f in (mapped, field)]
    assert torch.equal(*jacobians)


def test_a_module_without_a_network_is_never_mapped() -> None:
    torch.manual_seed(0)
    field, batch = nn.Linear(2, 3).double(), draw_batch()
    mapped = MappedField(field, zero_mapping(make_field())).at(batch)
    assert torch.equal(mapped(batch.coords), field(batch.coords))


def test_rounded_features_are_looked_up_under_the_autocast_that_rounds_them() -> None:
    field, batch = make_field(), draw_batch(torch.float32)
    assert field.network.rounds_features
    mapping = CachedMapping(field.encoding, LATTICE, dtype=torch.bfloat16, device=CPU)
    mapped = MappedField(field, mapping).at(batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(mapped(batch.coords), field(batch.coords))
    zeros = MappedField(field, zero_mapping(field, torch.bfloat16)).at(batch)
    of_zeros = field.network(torch.zeros(20, 12))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        # Biases pass through bfloat16.
        assert_close(zeros(batch.coords).bfloat16(), of_zeros)
        with torch.autocast("cpu", enabled=False):
            assert torch.equal(zeros(batch.coords), field(batch.coords))
    with torch.autocast("cpu", dtype=torch.float16):
        assert torch.equal(zeros(batch.coords), field(batch.coords))
    assert torch.equal(zeros(batch.coords), field(batch.coords))


def test_rounded_features_are_not_for_a_network_that_wants_all_digits() -> None:
    field, batch = make_field(hidden_layers=0), draw_batch(torch.float32)
    mapped = MappedField(field, zero_mapping(field, torch.bfloat16)).at(batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(mapped(batch.coords), field(batch.coords))


class Holder(nn.Module):
    """Has a field and, perhaps, its stand-in."""

    def __init__(self, field: Field, *, maps: bool) -> None:
        super().__init__()
        self.field = field
        if maps:
            self.mapped = MappedField(field, zero_mapping(field))


def test_a_mapped_field_is_never_saved_and_shows_the_field() -> None:
    field = make_field()
    plain, holder = Holder(field, maps=False), Holder(field, maps=True)
    mapped = holder.mapped
    assert not mapped.state_dict()
    assert list(holder.state_dict()) == list(plain.state_dict())
    assert [n for n, _ in holder.named_parameters()] == [n for n, _ in plain.named_parameters()]
    assert [n for n, _ in holder.named_modules()] == [n for n, _ in plain.named_modules()]
    holder.load_state_dict(copy.deepcopy(plain.state_dict()))
    assert [n for n, _ in mapped.named_parameters()] == [n for n, _ in field.named_parameters()]
    assert all(a is b for a, b in zip(mapped.parameters(), field.parameters(), strict=True))
    assert mapped.network is field.network and mapped.out_features == 3
    with pytest.raises(AttributeError, match="nothing"):
        _ = mapped.nothing


def test_a_copy_of_a_mapped_field_has_a_field_of_its_own() -> None:
    field, batch = make_field().double(), draw_batch()
    mapping = CachedMapping(field.encoding, LATTICE, dtype=torch.float64, device=CPU)
    twin = copy.deepcopy(MappedField(field, mapping)).at(batch)
    values = field(batch.coords)
    with torch.no_grad():
        for parameter in field.parameters():
            parameter.zero_()
    assert_close(twin(batch.coords), values)
