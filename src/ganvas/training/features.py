"""How fakes compare with reals, without any trained network: random features and what is measured on them.

Untrained convolutions keep enough of edges, textures and layout to tell collapsed, blurred and noisy pictures
from real ones (Saxe et al. 2011, "On random weights and unsupervised feature learning"; Naeem et al. 2020,
arXiv:2002.09797, score generators with them). They know nothing of meaning: two left shoes are as good as a pair.
Numbers in this space compare states of one run with one another; they are no FID and do not compare data sets.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.tensors import Images

LARGEST_SIDE_PX = 64
CHANNELS = 4
LEVELS = 3
GRID = 4
CENTRED = 0.75
"""Part of each filter's mean that is taken away: edges count more than brightness, flat pictures still count."""

LEAK_DIRECTIONS = 16
LEAK_DEVIATIONS = 2.0
LARGEST_LEAK = 1.5
"""Fakes can be no further from the reals than what leaked; beyond this they are off for another reason."""


@torch.no_grad()
def random_features(images: Images, seed: int = 0) -> Tensor:
    """What a random network sees of pictures: the pictures themselves and three levels of filters, on a 4x4 grid.

    Detail finer than 1/64 of the picture is averaged away first, so the cost does not grow with the picture.

    Args:
        images: ``(N, C, H, W)``, any size from one pixel on, any number of channels.
        seed: Another seed is another network; compare only features of the same one.

    Returns:
        Float32 ``(N, 16 C + 192)``; row i depends on picture i alone.
    """
    height, width = (min(side, LARGEST_SIDE_PX) for side in images.shape[-2:])
    x = F.adaptive_avg_pool2d(images.float(), (height, width))
    generator = torch.Generator().manual_seed(seed)
    levels = [x]
    for level in range(LEVELS):
        filters = torch.randn(CHANNELS, x.shape[1], 3, 3, generator=generator)
        filters = filters - CENTRED * filters.mean((1, 2, 3), keepdim=True)
        filters = filters * math.sqrt(2 / (9 * x.shape[1]))  # keeps the scale through a rectifier (He et al. 2015)
        biases = 0.5 * torch.randn(CHANNELS, generator=generator)
        padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
        x = F.leaky_relu(F.conv2d(padded, filters.to(x), biases.to(x), stride=2 if level else 1), 0.2)
        levels.append(x)
    return torch.cat([F.adaptive_avg_pool2d(x, GRID).flatten(1) for x in levels], dim=1)


def diversity(fakes: Tensor, reals: Tensor) -> float:
    """Mean distance between two fakes over that between two reals.

    Args:
        fakes: Features ``(N, F)``, N at least 2.
        reals: Features ``(M, F)``, M at least 2.

    Returns:
        1 as diverse as the reals, 0 all the same, above 1 noisy or out of range; 1 where the reals are all the same.
    """
    among_fakes, among_reals = (float(torch.pdist(rows.double().cpu()).mean()) for rows in (fakes, reals))
    return among_fakes / among_reals if among_reals else 1.0


def effective_rank(features: Tensor) -> float:
    """In how many directions pictures really differ: exp of the entropy of the covariance's spectrum.

    Roy and Vetterli 2007, "The effective rank: a measure of effective dimensionality", definition 1. It sees a
    generator that knows a handful of pictures, which `diversity` does not; noise has a high rank.

    Args:
        features: ``(N, F)``, N at least 2.

    Returns:
        From 1 (one direction, or none) to ``min(N - 1, F)``.
    """
    variances = torch.linalg.svdvals(_scatter(features)).square()
    total = variances.sum()
    if total == 0:
        return 1.0
    return float(torch.special.entr(variances / total).sum().exp())


def random_feature_distance(fakes: Tensor, reals: Tensor) -> float:
    """Fréchet distance of fakes to reals in random features, in units of the reals' variance; lower is better.

    ``(|m - m'|^2 + tr(C + C' - 2 (C C')^1/2)) / tr C'`` (Fréchet 1957; Heusel et al. 2017, arXiv:1706.08500, eq. 6).
    With scatter matrices ``C = A^T A``, the trace of the root is the sum of singular values of ``A A'^T``, which
    needs no matrix root.

    It grows with collapse, lost modes, blur and noise, and so serves to keep the best state of a run. Samples alone
    give more than 0: two sets of 256 real clothes are 0.05 apart, give or take 0.01, so smaller differences than
    that mean nothing. It is blind to detail finer than 1/64 of a picture and to anything that needs understanding.

    Args:
        fakes: Features ``(N, F)``, N at least 2.
        reals: Features ``(M, F)``; compare only distances with the same N and M.

    Returns:
        0 for equal sets; 1 for one picture, the reals' mean, over and over.
    """
    between_means = (fakes.double().mean(0) - reals.double().mean(0)).square().sum()
    fake_scatter, real_scatter = _scatter(fakes), _scatter(reals)
    shared = torch.linalg.svdvals(fake_scatter @ real_scatter.T).sum()
    variance = float(real_scatter.square().sum())
    distance = float(between_means) + float(fake_scatter.square().sum() - 2 * shared) + variance
    return max(distance, 0.0) / (variance or 1.0)


def augmentation_leak(reals: Tensor, augmented_reals: Tensor, fakes: Tensor) -> float:
    """How far fakes have moved from the reals towards the augmented reals; a bound that noise rarely passes.

    In whitened principal directions and their squares (a colour change that is as often brighter as darker moves
    only the squares), let a be the step from the mean of the reals to that of the augmented, and f the step to
    that of the fakes. The leak is the component of f along a, in units of a. What f has in the other directions
    is chance or a generator that is off for other reasons; their root mean square, twice, is taken away.
    Fakes further out than the augmented pictures are not explained by them: no leak.

    Args:
        reals: Features ``(N, F)``, N at least 16.
        augmented_reals: Features ``(N, F)`` of the same pictures after augmentation.
        fakes: Features ``(M, F)``.

    Returns:
        0 none (or too few pictures to tell), to 1 and a little above: the generator paints augmented pictures.
        Weak augmentations (p below about 0.3 with 256 pictures) stay below what can be seen.
    """
    count = len(reals)
    sets = torch.cat([reals, augmented_reals, fakes]).double().cpu()
    directions = min(LEAK_DIRECTIONS, count // 8)
    principal = _whitened(sets, 2 * count, directions)
    both = _whitened(torch.cat([principal, principal.square()], dim=1), 2 * count, 2 * directions)
    real_mean = both[:count].mean(0)
    towards_augmented = both[count : 2 * count].mean(0) - real_mean
    towards_fakes = both[2 * count :].mean(0) - real_mean
    length = float(towards_augmented.norm())
    if length == 0 or len(towards_augmented) < 2:
        return 0.0
    along = float(towards_fakes @ towards_augmented) / length
    others = len(towards_augmented) - 1
    elsewhere = math.sqrt(max(float(towards_fakes.square().sum()) - along**2, 0.0) / others)
    leak = (along - LEAK_DEVIATIONS * elsewhere) / length
    return max(leak, 0.0) if along <= LARGEST_LEAK * length else 0.0


def _scatter(features: Tensor) -> Tensor:
    """A with ``A^T A`` the covariance; at most F rows however many samples. Float64 on the CPU."""
    features = features.double().cpu()
    centred = (features - features.mean(0)) / math.sqrt(len(features) - 1)
    if len(centred) <= centred.shape[1]:
        return centred
    triangle: Tensor = torch.linalg.qr(centred, mode="r").R
    return triangle


def _whitened(rows: Tensor, reference: int, directions: int) -> Tensor:
    """Rows in the principal directions of the first ``reference`` of them, each with variance 1 there."""
    mean = rows[:reference].mean(0)
    _, scales, axes = torch.linalg.svd((rows[:reference] - mean) / math.sqrt(reference - 1), full_matrices=False)
    kept = min(int((scales > 1e-6 * scales[:1]).sum()), directions)
    whitened: Tensor = (rows - mean) @ axes[:kept].T / scales[:kept]
    return whitened
