"""Gradient penalties and weight clipping: what keeps a critic smooth.

R1 is the squared gradient at reals, R2 at fakes (Mescheder et al. 2018, arXiv:1801.04406). Two ways lead
there:

exact        ‖∇D‖², differentiated twice in reverse mode
directional  (v·∇D)² along one random v, by one forward-mode derivative and no double backward

For any v with E[v vᵀ] = I, E (v·g)² = gᵀ E[v vᵀ] g = ‖g‖²: the directional way is right on average, and so is its
gradient in the critic's weights. Among independent components signs ±1 have the smallest variance (Hutchinson 1990):
2 (‖g‖⁴ - Σ gᵢ⁴), where normals have 2 ‖g‖⁴.

A critic comes as a callable ``judge(images)`` that closes over its condition and, for the exact way, over the
augmentation.
"""

import warnings
from collections.abc import Callable, Iterable
from functools import cache

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.modules.batchnorm import _BatchNorm  # also the lazy ones

from ganvas.errors import UsageError
from ganvas.tensors import Images, Judgement, PerSample

Judge = Callable[[Images], Judgement]

PER_SAMPLE_PENALTIES = ("r1", "r2", "r1+r2", "wgan-gp")
PENALTIES = ("none", "clip", *PER_SAMPLE_PENALTIES)


def judged_with_gradient(judge: Judge, images: Images) -> tuple[Judgement, PerSample]:
    """A judgement, and the squared norm of its score's gradient in every image.

    Args:
        judge: The critic; it must not mix samples. Augmentation inside it is differentiated through, so that
            the penalty is that of the images before augmentation.
        images: ``(N, C, H, W)``; whatever made them gets no gradient.

    Returns:
        The judgement and ``‖∇_x score‖²``, ``(N,)``, both with a graph to the critic's weights.
    """
    images = images.detach().requires_grad_()
    judgement = judge(images)
    (gradient,) = torch.autograd.grad(judgement.score().sum(), images, create_graph=True)
    return judgement, gradient.square().flatten(1).sum(1)


def judged_with_tangent(judge: Judge, images: Images, tangent: Tensor) -> tuple[Judgement, PerSample]:
    """A judgement, and the squared derivative of its score along a direction.

    For the penalty before an augmentation A pass ``A.apply(x)`` and ``A.tangent(v)``: by the chain rule the result is
    ``(v·∇_x D(A(x)))²``, and A itself needs no forward-mode rule.

    Args:
        judge: The critic without augmentation; it must not mix samples.
        images: ``(N, C, H, W)``, already augmented; whatever made them gets no gradient.
        tangent: A direction of the images' shape.

    Returns:
        The judgement and the squared derivative, ``(N,)``, both with a graph to the critic's weights.
    """
    images = images.detach().clone()  # an expanded view, which a network may return, cannot carry a tangent
    _load_forward_mode()
    with forward_ad.dual_level():
        judgement = judge(forward_ad.make_dual(images, tangent.detach()))
        derivative = forward_ad.unpack_dual(judgement.score()).tangent
        assert derivative is not None, "the judgement does not depend on the images"
        plain = judgement._replace(logits=_primals(judgement.logits), features=_primals(judgement.features))
        return plain, derivative.square()


@cache
def _load_forward_mode() -> None:
    """Let torch load its forward-mode rules: once, as that calls a function which torch itself deprecates."""
    with warnings.catch_warnings(), forward_ad.dual_level():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.script", category=DeprecationWarning)
        forward_ad.make_dual(torch.zeros(()), torch.zeros(()))


def _primals(duals: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(forward_ad.unpack_dual(dual).primal for dual in duals)


def interpolated_penalty(judge: Judge, real: Images, fake: Images, mix: Tensor) -> PerSample:
    """``(‖∇D‖ - 1)²`` between a real and its fake (Gulrajani et al. 2017, arXiv:1704.00028, eq. 3).

    The paper gives it the weight 10.

    Args:
        judge: The critic; it must not mix samples.
        real: ``(N, C, H, W)``.
        fake: Of the same shape.
        mix: ``(N,)`` uniform in [0, 1]: the share of the real.
    """
    share = mix.view(-1, 1, 1, 1)
    _, squared = judged_with_gradient(judge, share * real + (1 - share) * fake)
    # The root's slope is infinite at 0; the clamp's zero slope keeps a flat critic from turning NaN.
    return (squared.clamp_min(torch.finfo(squared.dtype).tiny).sqrt() - 1).square()


@torch.no_grad()
def clip_weights_(parameters: Iterable[nn.Parameter], limit: float) -> None:
    """Clamp weights to [-limit, limit] in place (Arjovsky et al. 2017, arXiv:1701.07875; there 0.01)."""
    for parameter in parameters:
        parameter.clamp_(-limit, limit)


def refuse_batchnorm(critic: nn.Module, name: str, penalty: str) -> None:
    """Refuse a per-sample penalty on a critic that couples the samples of a batch.

    Args:
        critic: The network.
        name: Its name, for the message.
        penalty: One of `PENALTIES`.

    Raises:
        UsageError: The critic has a BatchNorm layer and the penalty needs the gradient of each sample alone.
    """
    if penalty in PER_SAMPLE_PENALTIES and any(isinstance(module, _BatchNorm) for module in critic.modules()):
        raise UsageError(
            f"The critic '{name}' has BatchNorm, which mixes the samples of a batch, so the penalty "
            f"'{penalty}' is not defined for it; choose a critic without BatchNorm, or the penalty 'none' or "
            "'clip'."
        )
