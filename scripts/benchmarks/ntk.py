"""The tangent-kernel engine against its alternatives, side by side: ``scripts/bench ntk``.

Sections: accuracy, speed, growth, leading, planted; all of them when none is named.
"""

import argparse
import json
from collections.abc import Callable
from typing import Any

import torch
from _measure import compare, exponent, in_a_process, peak_gib, seconds, show
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

from inr.encoding import GaussianEncoding, IdentityEncoding
from inr.field import Field
from inr.lattice import lattice_points
from inr.network import MLPNetwork, SirenNetwork
from inr.ntk import NTKOperator, empirical_ntk, spectrum

FEATURES, WIDTH, LAYERS = 512, 256, 3


def make_network(outputs: int = 1, width: int = WIDTH) -> MLPNetwork:
    """Three hidden layers on 512 Fourier features."""
    torch.manual_seed(0)
    return MLPNetwork(FEATURES, outputs, hidden_features=width, hidden_layers=LAYERS)


def make_features(n: int) -> Tensor:
    """What the network sees at n random points of an image."""
    points = torch.rand(n, 2, generator=torch.Generator().manual_seed(0))
    return GaussianEncoding(2, num_frequencies=FEATURES // 2, scale=10.0)(points)


def by_loops(model: nn.Module, x: Tensor) -> Tensor:
    """The definition, in float64: a backward pass for each output of each point."""
    model = model.double()
    params = [p for p in model.parameters() if p.requires_grad]
    rows = [
        torch.cat([g.flatten() for g in torch.autograd.grad(value, params, retain_graph=True)])
        for point in x.double()
        for value in model(point[None]).flatten()
    ]
    jacobian = torch.stack(rows)
    return jacobian @ jacobian.T


def by_vmap(model: nn.Module, x: Tensor) -> Tensor:
    """What people write: all Jacobians by vmap(jacrev), and their products."""
    params = {name: p.detach() for name, p in model.named_parameters()}

    def evaluate(params: dict[str, Tensor], point: Tensor) -> Tensor:
        return functional_call(model, params, (point[None],))[0]

    blocks = vmap(jacrev(evaluate), (None, 0))(params, x).values()
    flat = [block.flatten(0, 1).flatten(1) for block in blocks]
    return sum((block @ block.T for block in flat), start=torch.zeros(()))


class Squeezed(nn.Module):
    """A sequence layer that returns one tensor."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0]


def measure_accuracy(quick: bool) -> None:
    """Relative errors (Frobenius) against the definition."""
    from siren_pytorch import SirenNet

    n = 8 if quick else 48
    points = torch.rand(n, 2)
    sequences = torch.rand(n // 2, 3, 8)
    mapped = {"num_frequencies": 32, "scale": 5.0}
    cases: dict[str, tuple[Callable[[], nn.Module], Tensor]] = {
        "mlp": (
            lambda: Field(GaussianEncoding(2, **mapped), MLPNetwork(64, 1, hidden_features=64)),
            points,
        ),
        "siren": (
            lambda: Field(IdentityEncoding(2), SirenNetwork(2, 1, hidden_features=64)),
            points,
        ),
        "skips": (
            lambda: Field(
                GaussianEncoding(2, **mapped),
                MLPNetwork(64, 1, hidden_features=64, hidden_layers=4, skips=(2,)),
            ),
            points,
        ),
        "trainable frequencies": (
            lambda: Field(
                GaussianEncoding(2, **mapped, trainable=True), MLPNetwork(64, 1, hidden_features=64)
            ),
            points,
        ),
        "three outputs": (
            lambda: Field(GaussianEncoding(2, **mapped), MLPNetwork(64, 3, hidden_features=64)),
            points,
        ),
        "SirenNet of siren-pytorch": (lambda: SirenNet(2, 64, 3, 3), points),
        "nn.TransformerEncoderLayer, eval": (
            lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval(),
            sequences,
        ),
        "nn.TransformerEncoderLayer, train": (
            lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
            sequences,
        ),
        "nn.LSTM": (lambda: nn.LSTM(8, 4, batch_first=True), sequences),
        "nn.LSTM, outputs alone": (lambda: Squeezed(nn.LSTM(8, 4, batch_first=True)), sequences),
    }
    rows = []
    for name, (make, x) in cases.items():
        torch.manual_seed(0)
        model = make()
        try:
            single = empirical_ntk(model, x)
            expected = by_loops(model, x)
            double = empirical_ntk(model, x)
        except ValueError as error:
            rows.append([name, "", "", f"rejected: {error}"])
            continue
        errors = [((k - expected).norm() / expected.norm()).item() for k in (single, double)]
        rows.append([name, *errors, ""])
    show("1. Error against the definition", ["model", "float32", "float64", ""], rows)


def measure_speed(quick: bool) -> None:
    """Seconds of the kernel and of what else there is."""
    rows = []
    n, rounds = (64, 2) if quick else (1024, 9)
    for outputs in (1, 3):
        model, x = make_network(outputs), make_features(n)
        slow, fast, ratio = compare(
            lambda m=model, x=x: by_vmap(m, x),
            lambda m=model, x=x: empirical_ntk(m, x),
            rounds if outputs == 1 else 2,
        )
        what = "1 output" if outputs == 1 else f"{outputs} outputs, full"
        rows.append([f"vmap(jacrev), n = {n}, {what}", slow, fast, ratio])
    n = 256 if quick else 4096
    model, x = make_network(), make_features(n)
    widths = [FEATURES, *LAYERS * [WIDTH], *LAYERS * [WIDTH], 1]
    matrices = [torch.randn(n, width) for width in widths]
    slow, fast, ratio = compare(
        lambda: [matrix @ matrix.T for matrix in matrices],
        lambda: empirical_ntk(model, x),
        rounds,
        1,
    )
    rows.append([f"its bare matrix products, n = {n}", slow, fast, ratio])
    show("2. Time against others", ["other", "its s", "ours s", "ratio"], rows)
    n = 512 if quick else 8192
    found = in_a_process(__file__, "--dense", str(n))
    print(f"  n = {n}: {found['seconds']:.3g} s, {found['gib']:.3g} GiB at most in the process")


def measure_growth(quick: bool) -> None:
    """Time and memory against points and width."""
    for what, sizes in (
        ("points", [64, 128] if quick else [512, 1024, 2048, 4096, 8192]),
        ("width", [32, 64] if quick else [64, 128, 256, 512, 1024]),
    ):
        rows, times, gibs = [], [], []
        for size in sizes:
            arguments = [str(size)] if what == "points" else ["2048", "--width", str(size)]
            found = in_a_process(__file__, "--dense", *arguments)
            times.append(found["seconds"])
            gibs.append(found["gib"] - found["gib_before"])
            rows.append([size, times[-1], gibs[-1]])
        rows.append(["exponent", exponent(sizes[-3:], times[-3:]), exponent(sizes[-3:], gibs[-3:])])
        show(f"3. Growth with {what}", [what, "s", "GiB"], rows)


def measure_leading(quick: bool, edges: list[int]) -> None:
    """The leading eigenvalues of whole images."""
    rows = []
    for edge in edges:
        found = in_a_process(__file__, "--image", str(edge), *(["--top", "4"] if quick else []))
        rows.append(
            [f"{edge} x {edge}", *(found[k] for k in ("products", "seconds", "residual", "gib"))]
        )
    columns = ["image", "products", "s", "largest residual / eigenvalue", "GiB"]
    show(f"4. Leading {4 if quick else 32} eigenvalues", columns, rows)


def report_dense(n: int, width: int) -> None:
    """One kernel in a process of its own."""
    model, x = make_network(width=width), make_features(n)
    empirical_ntk(model, x[:64])
    before = peak_gib()
    runs = [seconds(lambda: empirical_ntk(model, x)) for _ in range(3)]
    print(json.dumps({"seconds": min(runs), "gib": peak_gib(), "gib_before": before}))


def report_image(edge: int, top: int) -> None:
    """The leading eigenvalues of one image in a process of its own."""
    counts: list[int] = []
    field = Field(GaussianEncoding(2, num_frequencies=FEATURES // 2, scale=10.0), make_network())

    def work() -> Any:
        operator = NTKOperator(field, lattice_points((edge, edge)))
        return spectrum(
            operator, top, method="lanczos", progress=lambda products, _: counts.append(products)
        )

    result: list[Any] = []
    elapsed = seconds(lambda: result.append(work()))
    worst = (result[0].residuals / result[0].eigenvalues).max().item()
    found = {"products": counts[-1], "seconds": elapsed, "residual": worst, "gib": peak_gib()}
    print(json.dumps(found))


def measure_planted(quick: bool) -> None:
    """Known eigenvalues, degenerate ones included."""
    n = 200 if quick else 2000
    number = torch.arange(1, n + 1, dtype=torch.float64)
    plants = {
        "power law, i^-2": number**-2.0,
        "exponential, exp(-10 i / rows)": torch.exp(-10 * number / n),
        "multiplicities 2 and 3": torch.cat(
            [torch.tensor([9.0, 9.0, 5.0, 5.0, 5.0]), 1 / number[: n - 5]]
        ).sort(descending=True)[0],
        "multiplicity 12": torch.cat([torch.full((12,), 3.0), 1 / number[: n - 12]]).double(),
    }
    rows = []
    generator = torch.Generator().manual_seed(0)
    basis, _ = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))
    for name, planted in plants.items():
        planted = planted.double()
        kernel = (basis * planted) @ basis.T
        leading = spectrum(kernel, 20, method="lanczos", tolerance=1e-6)
        density = spectrum(kernel, method="quadrature")
        band = density.band
        inside = ((band[0] <= planted) & (planted <= band[1])).double().mean().item()
        error = ((leading.eigenvalues - planted[:20]).abs() / planted[:20]).max().item()
        rows.append([name, error, inside])
    columns = ["spectrum", "Lanczos: largest relative error of 20", "quadrature: share in the band"]
    show(f"5. Planted spectra, {n} rows", columns, rows)


def main() -> None:
    parser = argparse.ArgumentParser("scripts/bench ntk", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--large", action="store_true", help="512 x 512 points, too")
    parser.add_argument("--dense", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--image", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--width", type=int, default=WIDTH, help=argparse.SUPPRESS)
    parser.add_argument("--top", type=int, default=32, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.dense:
        report_dense(arguments.dense, arguments.width)
        return
    if arguments.image:
        report_image(arguments.image, arguments.top)
        return
    edges = [24] if arguments.quick else [256] + [512] * arguments.large
    sections: dict[str, Callable[[], None]] = {
        "accuracy": lambda: measure_accuracy(arguments.quick),
        "speed": lambda: measure_speed(arguments.quick),
        "growth": lambda: measure_growth(arguments.quick),
        "leading": lambda: measure_leading(arguments.quick, edges),
        "planted": lambda: measure_planted(arguments.quick),
    }
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, float32 unless said")
    for name in arguments.sections or sections:
        if name not in sections:
            parser.error(f"no section {name!r}; expected some of {', '.join(sections)}")
        sections[name]()


if __name__ == "__main__":
    main()
