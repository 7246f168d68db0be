"""One step of the game: what the critics lose, what the generators lose.

Both functions take networks as callables and answer with a scalar to run backward from and what to log. The
penalties follow Mescheder et al. 2018 (R1, R2: gamma / 2 times the squared gradient), Gulrajani et al. 2017
(WGAN-GP) and, for the default recipe, Huang et al. 2024 (R3GAN, relativistic pairing with R1 and R2).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganvas.augment.transform import Transform, draw_transform
from ganvas.draw import Draw
from ganvas.errors import UsageError
from ganvas.objective.adversarial import Adversarial, sign_statistic
from ganvas.objective.penalty import interpolated_penalty, judged_with_gradient, judged_with_tangent
from ganvas.tensors import Images, Judgement, PerSample
from ganvas.training.config import PenaltyName
from ganvas.training.task import Networks, Painted, Problem, Row, Term

Log = dict[str, Tensor]


@dataclass(frozen=True)
class Game:
    """The rules of one step."""

    loss: Adversarial
    penalty: PenaltyName
    directional: bool
    gamma: float
    """Penalty weight of this step, the lazy interval's factor included; 0 where the penalty rests."""
    augment: Sequence[str]
    augment_p: float
    augment_shared: bool
    autocast: Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True)
class Side:
    """The real or the fake half of a row, ready to be judged."""

    judge: Callable[[Images], Judgement]
    """From a picture the critic sees (augmented) to its judgement."""
    images: Images
    """Before augmentation."""
    transform: Transform | None

    def augmented(self, images: Images) -> Images:
        """What the critic sees of these pictures."""
        return images if self.transform is None else self.transform.apply(images)

    def judged(self) -> Judgement:
        """The critic's word on this side."""
        return self.judge(self.augmented(self.images))


def checked_rows(rows: Sequence[Row], draw: Draw) -> Sequence[Row]:
    """The rows, each with one real, one fake and, where it has any, one condition a problem of this slice.

    Raises:
        UsageError: One has more or fewer, which augmentation would silently leave out.
    """
    for row in rows:
        parts = {"reals": row.real, "fakes": row.fake, "real conditions": row.real_condition}
        for name, part in {**parts, "fake conditions": row.fake_condition}.items():
            if part is not None and len(part) != draw.count:
                raise UsageError(
                    f"The row of critic '{row.critic}' has {len(part)} {name} for {draw.count} problems; give each "
                    "problem one."
                )
    return rows


def critic_loss(rows: Sequence[Row], networks: Networks, game: Game, draw: Draw) -> tuple[Tensor, Log]:
    """What the critics lose over these rows, fakes taken as given.

    Returns:
        A scalar, the mean over samples and sum over rows, and named scalars to log.
    """
    total, log = torch.zeros(()), Log()
    for number, row in enumerate(rows):
        own = draw.named("row", number)
        real, fake = sides(row, networks, game, _shared(row, number, draw))
        real_judged, real_squared = _judged(real, game, "r1", own.named("real"))
        fake_judged, fake_squared = _judged(fake, game, "r2", own.named("fake"))
        adversarial = game.loss.critic(real_judged, fake_judged).mean()
        loss = adversarial
        for name, squared in (("r1", real_squared), ("r2", fake_squared)):
            if squared is not None:
                loss = loss + 0.5 * game.gamma * squared.mean()
                log[f"{row.critic}/{name}"] = squared.detach().mean()
        if game.penalty == "wgan-gp" and game.gamma:
            mix = own.named("mix").uniform()
            penalty = interpolated_penalty(real.judge, real.augmented(real.images), fake.augmented(fake.images), mix)
            loss = loss + game.gamma * penalty.mean()
            log[f"{row.critic}/wgan-gp"] = penalty.detach().mean()
        total = total.to(loss) + loss
        log[f"{row.critic}/loss"] = adversarial.detach()
        log[f"{row.critic}/sign"] = sign_statistic(real_judged, fake_judged, game.loss).detach()
    return total, log


def generator_loss(
    problem: Problem,
    painted: Painted,
    rows: Sequence[Row],
    terms: Mapping[Term, float],
    networks: Networks,
    game: Game,
    draw: Draw,
) -> tuple[Tensor, Log]:
    """What the generators lose: the adversarial loss of every row and the weighted terms.

    Args:
        problem: What they were given.
        painted: What they made of it, with its graph.
        rows: The rows of the adversarial game; empty while the critics rest.
        terms: Terms due in this step and their weights.
        networks: All networks by name; critics are expected not to require gradients.
        game: The rules.
        draw: Randomness of this step.

    Returns:
        A scalar and named scalars to log.
    """
    total, log = torch.zeros(()), Log()
    for number, row in enumerate(rows):
        real, fake = sides(row, networks, game, _shared(row, number, draw))
        real_judged = None
        if game.loss.relativistic:
            with torch.no_grad():
                real_judged = real.judged()
        loss = game.loss.generator(fake.judged(), real_judged).mean()
        total = total.to(loss) + loss
        log[f"{row.critic}/generator_loss"] = loss.detach()
    for term, weight in terms.items():
        with game.autocast():
            value = term.fn(problem, painted, networks)
        loss = value.float().mean()
        total = total.to(loss) + weight * loss
        log[f"term/{term.name}"] = loss.detach()
    return total, log


def sides(row: Row, networks: Networks, game: Game, draw: Draw) -> tuple[Side, Side]:
    """Both halves of a row with their augmentation: one draw for both where it is shared."""
    real_transform = _transform(row.real, game, draw.named("augment"))
    fake_transform = real_transform if game.augment_shared else _transform(row.fake, game, draw.named("augment-fake"))
    critic = networks[row.critic]
    return (
        Side(_judge(critic, row.real_condition, row.masked, real_transform, game), row.real.float(), real_transform),
        Side(_judge(critic, row.fake_condition, row.masked, fake_transform, game), row.fake.float(), fake_transform),
    )


def judged_by(critic: nn.Module, images: Images, condition: Tensor | None, masked: bool) -> Judgement:
    """A critic's word on pictures with one side's condition of a `Row`: logits in float32, and where they count."""
    judged: Judgement = critic(images) if condition is None else critic(images, condition)
    region = condition if masked else None
    return judged._replace(logits=tuple(logits.float() for logits in judged.logits), region=region)


def _shared(row: Row, number: int, draw: Draw) -> Draw:
    """Where the augmentation of a row comes from: rows of one group share it."""
    return draw.named("row", number) if row.group is None else draw.named("group", row.group)


def _transform(images: Images, game: Game, draw: Draw) -> Transform | None:
    if not game.augment or not game.augment_p:
        return None
    size = (images.shape[-2], images.shape[-1])
    return draw_transform(game.augment, game.augment_p, draw, size, images.shape[1])


def _judge(
    critic: nn.Module, condition: Tensor | None, masked: bool, transform: Transform | None, game: Game
) -> Callable[[Images], Judgement]:
    if condition is not None and condition.ndim == 4 and transform is not None:
        condition = transform.geometric().apply(condition)

    def judge(images: Images) -> Judgement:
        with game.autocast():
            return judged_by(critic, images, condition, masked)

    return judge


def _judged(side: Side, game: Game, penalty: str, draw: Draw) -> tuple[Judgement, PerSample | None]:
    if not game.gamma or penalty not in game.penalty.split("+"):
        return side.judged(), None
    if game.directional:
        direction = draw.signs(*side.images.shape[1:]).to(side.images)
        tangent = direction if side.transform is None else side.transform.tangent(direction)
        return judged_with_tangent(side.judge, side.augmented(side.images), tangent)
    return judged_with_gradient(lambda images: side.judge(side.augmented(images)), side.images)
