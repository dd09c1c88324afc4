"""Writes the tables of families into README.md; with ``--check``, only compares them."""

import importlib
import inspect
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
FAMILIES = ("encoding", "network")


def make_table(family: str) -> str:
    """A row for each YAML: how to choose it, what it is, its options."""
    rows = [f"| `{family}=` | what it is | options |", "|---|---|---|"]
    for path in sorted((ROOT / "conf" / family).glob("*.yaml")):
        config = yaml.safe_load(path.read_text().replace("${seed}", "0"))
        package, _, name = config["_target_"].rpartition(".")
        member = getattr(importlib.import_module(package), name)
        summary = (inspect.getdoc(member) or "").splitlines()[0]
        options = " ".join(
            f"`{key}={show(value)}`" for key, value in config.items() if key[0] != "_"
        )
        rows.append(f"| `{path.stem}` | {summary} | {options} |")
    return "\n".join(rows)


def show(value: object) -> str:
    """A value as it is typed on the command line."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def fill(text: str) -> str:
    """The text with every table made anew."""
    for family in FAMILIES:
        begin, end = f"<!-- table of {family} -->\n", f"\n<!-- end of table of {family} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            sys.exit(f"README.md: expected one place for the table of {family}")
        head, _, rest = text.partition(begin)
        tail = rest.partition(end)[2]
        text = f"{head}{begin}{make_table(family)}{end}{tail}"
    return text


def main() -> None:
    """Writes or checks."""
    text = README.read_text()
    filled = fill(text)
    if sys.argv[1:] != ["--check"]:
        README.write_text(filled)
    elif text != filled:
        sys.exit("README.md: its tables are out of date; run python scripts/make_tables.py")


if __name__ == "__main__":
    main()
