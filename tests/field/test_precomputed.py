"""Features looked up on a lattice against those of the formula and of the encoding."""

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
from inr.field.precomputed import CachedFeatures, FactoredFeatures, precompute_features
from inr.lattice import lattice_points
from inr.loss import mse
from inr.network import MLPNetwork, SirenNetwork
from inr.signal import LatticeSignal
from inr.training.features import find_features, with_compiled_network
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
    double = FactoredFeatures(encoding, lattice, dtype=torch.float64, device=CPU)(index)
    assert_close(double, expected)
    single = FactoredFeatures(encoding, lattice, dtype=torch.float32, device=CPU)(index)
    # A rounding of each table and of each product: a few halves of 2^-23.
    errors = (single.double() - expected) / encoding.amplitudes.double().repeat(2)
    assert errors.abs().max() < 3e-7
    half = FactoredFeatures(encoding, lattice, dtype=torch.bfloat16, device=CPU)(index)
    assert (double.dtype, half.dtype) == (torch.float64, torch.bfloat16)
    assert torch.equal(half, single.bfloat16())


def test_factored_features_are_nearer_to_the_exact_value_than_float32_phases() -> None:
    encoding, lattice = GaussianEncoding(2, num_frequencies=64, scale=50.0), (300, 200)
    index = draw_index(lattice, 100)
    expected = brute_force(encoding, lattice, index)
    mapping = FactoredFeatures(encoding, lattice, dtype=torch.float32, device=CPU)
    error = (mapping(index) - expected).abs().max()
    assert error < 3e-7
    assert (encoding(lattice_points(lattice, index)) - expected).abs().max() > 30 * error


@pytest.mark.parametrize("block", [1, 12, 100])
def test_blocks_change_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    encoding, lattice = GaussianEncoding(3, num_frequencies=6), (3, 6, 4)
    mapping = FactoredFeatures(encoding, lattice, dtype=torch.float32, device=CPU)
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
        mapping = CachedFeatures(encoding, lattice, dtype=dtype, device=CPU)
        points = lattice_points(lattice, dtype=torch.float64 if double else torch.float32)
        expected = encoding(points).to(dtype)
        assert mapping(index).dtype == dtype
        assert torch.equal(mapping(index), expected[index])
        assert torch.equal(mapping.features, expected)


def test_the_cache_is_made_of_few_points_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inr.field.precomputed, "CHUNK", 38)
    encoding = Squares()
    CachedFeatures(encoding, (5, 9), dtype=torch.float32, device=CPU)
    assert encoding.most_points == 38 // 5


def test_both_say_what_memory_they_take() -> None:
    encoding = GaussianEncoding(2, num_frequencies=6)
    for dtype in DTYPES:
        cached = CachedFeatures(encoding, (5, 9), dtype=dtype, device=CPU)
        assert cached.nbytes == 5 * 9 * 12 * dtype.itemsize
        factored = FactoredFeatures(encoding, (5, 9), dtype=dtype, device=CPU)
        assert factored.nbytes == (5 + 9) * 12 * max(4, dtype.itemsize)
        assert cached.dtype == factored.dtype == dtype


@pytest.mark.parametrize("kind", [CachedFeatures, FactoredFeatures])
def test_a_lattice_of_another_dimension_is_rejected(
    kind: type[CachedFeatures] | type[FactoredFeatures],
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
        mapping = precompute_features(encoding, (5, 9), dtype=dtype, device=CPU, budget=budget)
        assert mapping is None or mapping.dtype == dtype
        return type(mapping)

    fourier = 5 * 9 * 12 * dtype.itemsize
    encoding = GaussianEncoding(2, num_frequencies=6)
    assert choose(encoding, fourier) is CachedFeatures
    assert choose(encoding, fourier - 1) is FactoredFeatures
    assert choose(encoding, 0) is FactoredFeatures
    for other in (Squares(), Shifted()):
        needed = 5 * 9 * other.out_features * dtype.itemsize
        assert choose(other, needed) is CachedFeatures
        assert choose(other, needed - 1) is type(None)


@pytest.mark.parametrize(
    "encoding", [IdentityEncoding(2), GaussianEncoding(2, num_frequencies=6, trainable=True)]
)
def test_nothing_is_precomputed_where_nothing_is_saved_or_features_change(
    encoding: Encoding,
) -> None:
    for budget in (0, 2**30):
        assert (
            precompute_features(encoding, (5, 9), dtype=torch.float32, device=CPU, budget=budget)
            is None
        )


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


@pytest.mark.parametrize("budget", [0, 2**20])
@pytest.mark.parametrize("kind", [MLPNetwork, SirenNetwork])
def test_values_and_gradients_are_those_of_the_coordinates(
    budget: int, kind: type[MLPNetwork] | type[SirenNetwork]
) -> None:
    torch.manual_seed(0)
    encoding = GaussianEncoding(2, num_frequencies=6, scale=2.0)
    field = Field(encoding, kind(12, 3, hidden_features=8, trainable="last_layer")).double()
    features = precompute_features(
        encoding, LATTICE, dtype=torch.float64, device=CPU, budget=budget
    )
    assert features is not None
    trained = [p for p in field.parameters() if p.requires_grad]
    for seed in (0, 1):
        batch = draw_batch(seed=seed)
        assert batch.index is not None
        carrying = batch._replace(features=features(batch.index))
        assert_close(field(features=carrying.features), field(batch.coords))
        expected = torch.autograd.grad(mse(field, batch), trained)
        found = torch.autograd.grad(mse(field, carrying), trained)
        for slope, wanted in zip(found, expected, strict=True):
            assert_close(slope, wanted)


def test_features_take_the_place_of_coordinates() -> None:
    """Features that are nowhere those of the field, to tell what it reads."""
    field, batch = make_field().double(), draw_batch()
    zeros = torch.zeros(20, 12, dtype=torch.float64)
    carrying = batch._replace(features=zeros)
    assert torch.equal(carrying.outputs_of(field), field.network(zeros))
    assert torch.equal(batch.outputs_of(field), field(batch.coords))
    # A loss that differentiates in the coordinates calls the field itself.
    assert torch.equal(field(carrying.coords), field(batch.coords))


def test_rounded_features_are_those_that_autocast_rounds() -> None:
    field, batch = make_field(), draw_batch(torch.float32)
    assert field.network.rounds_features and batch.index is not None
    features = CachedFeatures(field.encoding, LATTICE, dtype=torch.bfloat16, device=CPU)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(field(features=features(batch.index)), field(batch.coords))


def test_rounded_features_are_not_for_a_network_that_wants_all_digits() -> None:
    signal = LatticeSignal(torch.rand(*LATTICE, 3), value_range=(0.0, 1.0), name="random")
    for field in (make_field(hidden_layers=0), make_field()):
        for autocast in (None, torch.bfloat16):
            features = find_features(field, signal, autocast, memory=2**20)
            assert features is not None
            is_rounded = autocast is not None and field.network.rounds_features
            assert features.dtype == (torch.bfloat16 if is_rounded else torch.float32)
    assert not make_field(hidden_layers=0).network.rounds_features


def test_a_module_without_a_network_has_no_features() -> None:
    signal = LatticeSignal(torch.rand(*LATTICE, 3), value_range=(0.0, 1.0), name="random")
    assert find_features(nn.Linear(2, 3), signal, None, memory=2**20) is None


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method`:DeprecationWarning")
def test_a_compiled_network_shares_the_weights_of_the_field() -> None:
    field = make_field()
    features = CachedFeatures(field.encoding, LATTICE, dtype=torch.float32, device=CPU)
    names = list(field.state_dict())
    seen = with_compiled_network(field, features)
    assert list(field.state_dict()) == names
    pairs = zip(seen.parameters(), field.parameters(), strict=True)
    assert all(mine is own for mine, own in pairs)
