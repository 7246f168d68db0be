"""Scores of a generator while it trains: raw, of few pictures, cheap."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganvas.data import cache
from ganvas.data.dataset import Dataset
from ganvas.device import autocast
from ganvas.draw import Draw
from ganvas.events import Looked, Report, Warned
from ganvas.metric.extract import extract
from ganvas.metric.frechet import frechet_from_features
from ganvas.metric.kernel import kernel_sums
from ganvas.metric.pictures import PackedPictures
from ganvas.metric.protocol import PROTOCOLS, prepare
from ganvas.metric.scores import named
from ganvas.metric.store import features_key, stored
from ganvas.network.features import Loaded
from ganvas.task.generate import paint_from
from ganvas.tensors import Levels, to_levels
from ganvas.training.config import TrainConfig

MOST_REALS, FAKES, AT_ONCE = 5000, 500, 50
PROTOCOL = PROTOCOLS["ganvas"]


@dataclass(frozen=True)
class FeatureScore:
    """Fréchet and kernel distance of fixed latents to some of the reals; called with a generator.

    Attributes:
        network: The feature network.
        reals: Features of some of the training pictures, ``(N, D)``.
        conditions: Labels to paint under, drawn from those of the reals, ``(FAKES, K)``; K is 0 without labels.
        latent_dim: Length of the generator's latent.
        seed: Of the latents.
        device: Where both networks are.
        precision: In which the generator paints, as it does for previews.
    """

    network: Loaded
    reals: Tensor
    conditions: NDArray[np.float32]
    latent_dim: int
    seed: int
    device: torch.device
    precision: str

    @property
    def names(self) -> tuple[str, str]:
        """Of both distances."""
        return named(self.network.name, "fd"), named(self.network.name, "kd")

    def __call__(self, generator: nn.Module) -> Mapping[str, float]:
        """Both distances, by name."""
        return self.distances(self.painted(generator, len(self.conditions)))

    @torch.inference_mode()
    def painted(self, generator: nn.Module, count: int) -> Tensor:
        """Features of the first so many pictures it paints, ``(count, D)``."""
        draw, found = Draw(self.seed, len(self.conditions), device=self.device).named("scored"), []
        for start in range(0, count, AT_ONCE):
            rows = draw.rows(start, min(start + AT_ONCE, count))
            condition = torch.from_numpy(self.conditions[rows.start : rows.stop]).to(self.device)
            label = condition if condition.shape[1] else None
            with autocast(self.device, self.precision):
                levels = to_levels(paint_from(generator, rows.normal(self.latent_dim), label))
            found.append(self.looked(levels))
        return torch.cat(found)

    @torch.inference_mode()
    def looked(self, levels: Levels) -> Tensor:
        """Features of pictures."""
        images = prepare(levels, self.network.side_px, PROTOCOL, self.network.offset, self.network.scale)
        return self.network.network(images.to(self.device)).features.float().cpu()

    def distances(self, fakes: Tensor) -> Mapping[str, float]:
        """Of features ``(N, D)``, by name."""
        frechet, kernel = self.names
        return {
            frechet: frechet_from_features(fakes, self.reals),
            kernel: kernel_sums([fakes], [self.reals]).distance(),  # a collapsed generator has one, too
        }


def feature_score(
    network: Loaded,
    dataset: Dataset,
    rows: NDArray[np.int64],
    config: TrainConfig,
    device: torch.device,
    report: Report,
) -> FeatureScore:
    """A score against the training pictures, whose features are looked at once and kept.

    Args:
        network: What looks, on its device.
        dataset: The packed pictures.
        rows: Those that are trained on.
        config: The run's.
        device: Where it trains.
        report: Told of long work.

    Raises:
        DataError: The network gives no finite numbers for a picture.
        FileError: The cache cannot be written.
    """
    chance = np.random.default_rng(config.training.seed)
    chosen = np.sort(chance.permutation(rows)[:MOST_REALS])
    pictures = PackedPictures(dataset, tuple(chosen.tolist()))
    reals = stored(
        cache.default_root() / "features",
        features_key(pictures.key, network, PROTOCOL, "float32", device),
        lambda: extract(
            pictures,
            network,
            PROTOCOL,
            device=device,
            progress=lambda done, total: report(Looked("reals", done, total)),
        ),
        lambda text: report(Warned(text)),
    )
    drawn = chance.choice(rows, FAKES)
    conditions = dataset.labels.condition(drawn).reshape(FAKES, -1)
    options = config.training
    return FeatureScore(
        network, reals.features, conditions, config.network.latent_dim, options.seed, device, options.precision
    )


def made_up_score(
    network: Loaded, config: TrainConfig, label_dim: int, picture_count: int, device: torch.device
) -> FeatureScore:
    """A score that takes as long as that of the run, against features that mean nothing."""
    reals = torch.randn(min(picture_count, MOST_REALS), network.dim, generator=torch.Generator().manual_seed(0))
    options = config.training
    conditions = np.zeros((FAKES, label_dim), np.float32)
    return FeatureScore(network, reals, conditions, config.network.latent_dim, options.seed, device, options.precision)
