"""Who may import whom, and how long a file may grow. A new room gets its line in `docs/architecture.md`."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "ganvas"
DOCUMENT = Path(__file__).parents[1] / "docs" / "architecture.md"
MAX_LINES = 400


def house_plan(document: str) -> tuple[dict[str, set[str]], set[str]]:
    """What each room may import by the document's table, and the small modules that all may: those of `each other`."""
    plan: dict[str, set[str]] = {}
    for_all: set[str] = set()
    for line in document.partition("## Rooms")[2].partition("\n## ")[0].splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        rooms = [room.rstrip("/").replace("/", ".") for room in re.findall(r"`([^`]+)`", cells[0])]
        if line.startswith("|") and rooms:
            shared = cells[2] == "each other"
            for_all |= set(rooms) if shared else set()
            plan |= {room: set(rooms if shared else re.findall(r"`([^`]+)`", cells[2])) for room in rooms}
    return plan, for_all


MAY_IMPORT, FOR_ALL = house_plan(DOCUMENT.read_text(encoding="utf-8"))


def room_of(module: str) -> str:
    """The longest key of the table that holds a module, named without its `ganvas.`; else its top folder."""
    keys = [key for key in MAY_IMPORT if module == key or module.startswith(key + ".")]
    return max(keys, key=len, default=module.split(".")[0])


def imports(tree: ast.AST) -> Iterator[str]:
    """Every absolute module name imported anywhere in a file, functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module in ("ganvas", "ganvas.network"):  # `from ganvas import errors` names a room, too
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            else:
                yield node.module if node.module and not node.level else f"relative:{node.module}"


def violations(module: str, source: str) -> list[str]:
    """What the source of `ganvas.<module>` does against the house plan."""
    room, tree, found = room_of(module), ast.parse(source), []
    allowed = MAY_IMPORT.get(room, set()) | FOR_ALL | {room}
    for name in imports(tree):
        if name.startswith("relative:"):
            found.append("imports by a relative path")
        if name.split(".")[0] == "torchvision" or (name.split(".")[0] == "torch" and room == "cli"):
            found.append(f"imports {name}")
        target = room_of(name.removeprefix("ganvas."))
        if name.startswith("ganvas.") and not {target, target.split(".")[0]} & allowed:
            found.append(f"{room} imports {target}")
    if room != "cli" and any(isinstance(n, ast.Name) and n.id == "print" for n in ast.walk(tree)):
        found.append("prints")
    if len(source.splitlines()) > MAX_LINES:
        found.append(f"has more than {MAX_LINES} lines")
    return found


FILES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}


@pytest.mark.parametrize("module", FILES)
def test_file_keeps_to_the_house_plan(module: str) -> None:
    assert room_of(module) in MAY_IMPORT, f"{module} lies in a room that has no line in {DOCUMENT.name}"
    assert violations(module, FILES[module].read_text(encoding="utf-8")) == []


def test_every_room_of_the_table_exists() -> None:
    assert set(MAY_IMPORT) == {room_of(module) for module in FILES}
    assert set().union(*MAY_IMPORT.values()) <= set(MAY_IMPORT)
    assert len(FOR_ALL) == 8


def test_no_arrow_of_the_table_turns_round() -> None:
    TopologicalSorter({room: calls for room, calls in MAY_IMPORT.items() if room not in FOR_ALL}).prepare()


def test_the_table_is_read_as_it_stands() -> None:
    table = (
        "## Rooms\n| room | for | may |\n|---|---|---|\n| `a` `b` | - | each other |\n| `c/d/` `e` | `x` | `a` `b` |\n"
    )
    plan = {"a": {"a", "b"}, "b": {"a", "b"}, "c.d": {"a", "b"}, "e": {"a", "b"}}
    assert house_plan(f"| `z` | | |\n{table}| `f/` | | |\n## Else\n| `y` | | |") == ({**plan, "f": set()}, {"a", "b"})


GENERATOR = "network.generator.r3"


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("image.decode", "from ganvas.data.folder import scan", "image imports data"),
        (
            GENERATOR,
            "import ganvas.network.discriminator.r3",
            "network.generator imports network.discriminator",
        ),
        (
            GENERATOR,
            "from ganvas.network import discriminator",
            "network.generator imports network.discriminator",
        ),
        ("objective.r1", "def f():\n    import ganvas.network.layers", "objective imports network.layers"),
        ("training.loop", "from ganvas.task.generate import Generate", "training imports task"),
        ("cli.app", "import torch.nn", "imports torch.nn"),
        ("cli.app", "from ganvas.training import loop", "cli imports training"),
        ("errors", "from ganvas import image", "errors imports image"),
        ("data.labels", "from .folder import scan", "imports by a relative path"),
        ("metric.fid", "from torchvision.models import vgg16", "imports torchvision.models"),
        ("job.train", "print('hello')", "prints"),
        ("job.train", "\n" * 401, "has more than 400 lines"),
    ],
)
def test_planted_violation_is_found(module: str, source: str, found: str) -> None:
    assert violations(module, source) == [found]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("data.folder", "from ganvas.image.decode import decode\nfrom ganvas.errors import DataError"),
        ("network.generator.r3", "from ganvas.network.layers.conv import Conv"),
        ("model.load", "from ganvas.network.generator import GENERATORS"),
        ("cli.app", "from ganvas.job.train import train\nprint(train)"),
        ("training.loop", "import torch\nfrom ganvas.training.state import TrainingState"),
    ],
)
def test_allowed_import_passes(module: str, source: str) -> None:
    assert violations(module, source) == []
