"""Run all benchmarks and print each figure beside its goal: python -m tests.benchmarks [NAME...]."""

from __future__ import annotations

import importlib
import sys

BENCHMARKS = ("startup", "first_paint", "registration", "storage", "secrets", "simulator", "refresh", "rest_api")


def main(names: list[str]) -> int:
    """Gives 0 always: these machines are noisy, and a figure is to be read, not obeyed."""
    rows: list[tuple[str, str, str, bool]] = []
    for name in names or BENCHMARKS:
        rows += importlib.import_module(f"tests.benchmarks.{name}").run()
    width = max(len(row[0]) for row in rows)
    for title, measured, goal, met in rows:
        sys.stdout.write(f"{title:<{width}}  {measured:>32}  goal {goal:<18}  {'met' if met else 'MISSED'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
