"""Train generative adversarial networks on your own pictures, and use the one that paints.

    import ganvas
    done = ganvas.train("photos/", minutes=20)
    pictures = ganvas.load(done.model).pictures(seeds=range(16))

Nothing is imported before it is used, so that ``ganvas --help`` need not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganvas.api import check as check
    from ganvas.api import evaluate as evaluate
    from ganvas.api import load as load
    from ganvas.api import plan as plan
    from ganvas.api import train as train
    from ganvas.api_photos import repair as repair
    from ganvas.api_photos import restore as restore
    from ganvas.api_photos import revive as revive
    from ganvas.api_photos import upscale as upscale
    from ganvas.errors import GanvasError as GanvasError
    from ganvas.model.model import Model as Model
    from ganvas.tensors import Judgement as Judgement
    from ganvas.training.task import Task as Task

_HOME = {
    "GanvasError": "ganvas.errors",
    "Judgement": "ganvas.tensors",
    "Model": "ganvas.model.model",
    "Task": "ganvas.training.task",
    "check": "ganvas.api",
    "evaluate": "ganvas.api",
    "load": "ganvas.api",
    "plan": "ganvas.api",
    "repair": "ganvas.api_photos",
    "restore": "ganvas.api_photos",
    "revive": "ganvas.api_photos",
    "train": "ganvas.api",
    "upscale": "ganvas.api_photos",
}

__all__ = [
    "GanvasError",
    "Judgement",
    "Model",
    "Task",
    "check",
    "evaluate",
    "load",
    "plan",
    "repair",
    "restore",
    "revive",
    "train",
    "upscale",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ganvas' has no attribute '{name}'")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
