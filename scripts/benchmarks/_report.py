"""What a benchmark says: tables as text, JSON and Markdown, with the machine they are of."""

import json
import platform
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import torch
from _measure import as_text, show

from inr.atomic import replacing
from inr.precision import has_fast_bfloat16

END = "<!-- /bench -->"


def make_parser(name: str, description: str | None) -> ArgumentParser:
    """The options that all benchmarks of speed have."""
    parser = ArgumentParser(f"scripts/bench {name}", description=description)
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there")
    parser.add_argument("--into", type=Path, metavar="PAGE", help=f"fill <!-- bench {name} --> in")
    return parser


class Report:
    """Tables of one benchmark.

    Args:
        name: The benchmark's.
        arguments: What :func:`make_parser` parsed.
    """

    def __init__(self, name: str, arguments: Namespace) -> None:
        self.name = name
        self.machine = describe_machine(torch.device(arguments.device))
        self._arguments = arguments
        self._tables: list[dict[str, Any]] = []
        print(machine_line(self.machine))

    def add(self, title: str, columns: list[str], rows: list[list[Any]], **details: Any) -> None:
        """Prints a table and keeps it, with details that only the JSON is to have."""
        show(title, columns, rows)
        table = {"title": title, "columns": columns, "rows": rows, **details}
        self._tables.append(table)

    def markdown(self) -> str:
        """The tables below each other, and the machine."""
        parts = [
            _markdown_table(**{k: t[k] for k in ("title", "columns", "rows")}) for t in self._tables
        ]
        return "\n\n".join([*parts, f"({machine_line(self.machine)})"])

    def write(self) -> None:
        """Writes what the arguments ask for."""
        numbers = {"benchmark": self.name, "machine": self.machine, "tables": self._tables}
        if self._arguments.json:
            _write(self._arguments.json, json.dumps(numbers, indent=1) + "\n")
        if self._arguments.markdown:
            _write(self._arguments.markdown, self.markdown() + "\n")
        if self._arguments.into:
            page = self._arguments.into
            _write(page, fill(page.read_text(), self.name, self.markdown()))


def fill(text: str, name: str, tables: str) -> str:
    """A page with the tables of one benchmark made anew, between their two comments."""
    begin = f"<!-- bench {name} -->\n"
    head, found, rest = text.partition(begin)
    _, ended, tail = rest.partition(END)
    if not (found and ended):
        sys.exit(f"the page has no place for these tables; expected {begin.strip()} and {END}.")
    return f"{head}{begin}\n{tables}\n\n{END}{tail}"


def describe_machine(device: torch.device) -> dict[str, Any]:
    """What times depend on, beside the code."""
    return {
        "torch": torch.__version__,
        "device": _device_name(device),
        "threads": torch.get_num_threads(),
        "bfloat16_units": has_fast_bfloat16(device),
    }


def machine_line(machine: dict[str, Any]) -> str:
    """The same in a line."""
    units = "with" if machine["bfloat16_units"] else "without"
    return (
        f"torch {machine['torch']}, {machine['device']}, {machine['threads']} threads, "
        f"{units} bfloat16 units"
    )


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _markdown_table(title: str, columns: list[str], rows: list[list[Any]]) -> str:
    lines = [columns, ["---"] + ["---:"] * (len(columns) - 1), *rows]
    return "\n".join(
        [f"{title}:", "", *(f"| {' | '.join(map(as_text, line))} |" for line in lines)]
    )


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text)
