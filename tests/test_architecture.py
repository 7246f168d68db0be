"""Who may import whom, and how long a file may grow. A new room gets its line in `MAY_IMPORT`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "ganvas"
MAX_LINES = 400
FOR_ALL = {"errors", "events", "tensors", "draw", "files", "device"}  # small modules, no room of their own

MAY_IMPORT: dict[str, set[str]] = {
    **dict.fromkeys(FOR_ALL, FOR_ALL),
    "presets": set(),
    "image": set(),
    "data": {"image"},
    "augment": set(),
    "objective": set(),
    "network.layers": set(),
    "network.generator": {"network.layers"},
    "network.discriminator": {"network.layers"},
    "network.features": {"network.layers"},
    "network": {"network.layers", "network.generator", "network.discriminator", "network.features"},
    "metric": {"data", "image", "network.features"},
    "model": {"image", "network"},
    "latent": {"image", "model"},
    "training.options": set(),
    "training": {"augment", "data", "image", "metric", "model", "objective"},
    "task": {"augment", "data", "image", "latent", "metric", "model", "network", "objective", "training"},
    "job": {
        "augment", "data", "image", "latent", "metric", "model", "network", "objective", "presets", "task",
        "training",
    },
    "api": {"job", "model", "task", "training"},
    "studio": {"api", "job", "training.options"},
    "cli": {"job", "training.options"},  # how an option is said, without torch; nothing else of training
    "__main__": {"cli"},
    "__init__": {"api", "model", "training"},
}  # fmt: skip


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
    assert room_of(module) in MAY_IMPORT, f"{module} lies in a room that has no line in MAY_IMPORT"
    assert violations(module, FILES[module].read_text(encoding="utf-8")) == []


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
