"""How long `ganvas --help` takes beside the bare import of the library it parses its command line with.

python bench/startup.py
"""

import argparse
import resource
import subprocess
import sys
from statistics import median

COMMANDS = {"import cyclopts": ["-c", "import cyclopts"], "ganvas --help": ["-m", "ganvas", "--help"]}


def seconds(words: list[str]) -> float:
    """Processor seconds of one fresh interpreter."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Alternate the two and print medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    rounds = 3 if parser.parse_args().quick else 20
    taken = [[seconds(words) for words in COMMANDS.values()] for _ in range(rounds + 1)][1:]  # the first fills caches
    for name, column in zip(COMMANDS, zip(*taken, strict=True), strict=True):
        print(f"{name:16s} {median(column):.3f} s of processor time")
    ratios = sorted(help_s / import_s for import_s, help_s in taken)
    print(f"ratio {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}), {rounds} rounds")


if __name__ == "__main__":
    main()
