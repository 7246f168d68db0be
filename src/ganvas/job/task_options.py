"""Which options mean something for which task: what would do nothing is refused by its name."""

from collections.abc import Iterator, Mapping, Set
from typing import Any

from ganvas.errors import UsageError
from ganvas.training.config import UNPENALISED

GENERATE = "generate"
PAINTS = ("repair", "restore", "upscale")
"""Tasks on photographs that paint them anew, and may do so against a critic."""
PHOTO = (*PAINTS, "find-scratches")

_ALL = (GENERATE, *PHOTO)
_GAME = (GENERATE, *PAINTS)
_MEANT_FOR: dict[str, tuple[str, ...]] = {
    "scale": ("upscale",),
    **dict.fromkeys(("pixel_share", "pixel_weight", "frequency_weight", "perceptual_weight"), PAINTS),
    **dict.fromkeys(("adversarial_weight", "patience"), PAINTS),
    **dict.fromkeys(("latent_dim", "labels", "mirror", "channels", "batchnorm", "discriminator"), (GENERATE,)),
    **dict.fromkeys(("loss", "penalty", "estimator", "penalty_interval", "gamma", "gamma_final"), _GAME),
    **dict.fromkeys(("clip_limit", "critic_steps", "features"), _GAME),
    **dict.fromkeys(("augment", "augment_policy", "augment_p", "augment_target", "augment_shared"), _GAME),
}
"""The tasks an option is for; all of them where it is not here."""
_OF_A_GRADIENT = {"gamma", "gamma_final", "estimator", "penalty_interval"}
_OF_THE_CRITIC = {name for name, tasks in _MEANT_FOR.items() if tasks == _GAME} - {"features"} | {
    "adversarial_weight",
    "patience",
}


def refuse_meaningless(given: Mapping[str, Any]) -> None:
    """Refuse options that somebody gave and that do nothing for the task.

    Args:
        given: Parsed options by name.

    Raises:
        UsageError: Names the first one.
    """
    kind = given.get("kind", GENERATE)
    for name in given:
        tasks = _MEANT_FOR.get(name, _ALL)
        if kind not in tasks:
            raise UsageError(
                f"{_flag(name)} does nothing for --task {kind} (it is for {', '.join(tasks)}); leave it out."
            )
    fit = given.get("fit")
    if fit is not None and (fit == "tiles") != (kind in PHOTO):
        better = "photographs are cut to tiles; leave it out" if kind in PHOTO else "choose crop, pad or stretch"
        raise UsageError(f"--fit {fit} is not for --task {kind}: {better}.")
    for idle, reason in _idle(given, kind):
        for name in given:
            if name in idle:
                raise UsageError(f"{_flag(name)} does nothing with {reason}; leave it out.")
    if given.get("perceptual_weight") and given.get("features", "random") == "random":
        raise UsageError(
            f"--perceptual-weight is {given['perceptual_weight']:g}, but random features see no fine detail; name a "
            "trained network with --features."
        )


def _idle(given: Mapping[str, Any], kind: str) -> Iterator[tuple[Set[str], str]]:
    """Options that another one leaves without effect, and that one."""
    if kind in PAINTS and given.get("pixel_share") == 1:
        yield _OF_THE_CRITIC, "--pixel-share 1, which leaves out the critic"
    if given.get("penalty") in UNPENALISED:
        yield _OF_A_GRADIENT, f"--penalty {given['penalty']}, which looks at no gradient"


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
