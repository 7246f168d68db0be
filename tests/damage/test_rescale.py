import numpy as np
import pytest
import torch
from PIL import Image

from ganvas.damage.rescale import FILTERS, applied, rescaled, sampling, shrunk
from ganvas.draw import Draw
from tests.damage.photographs import scene, scenes

PILLOW = {
    "box": Image.Resampling.BOX,
    "triangle": Image.Resampling.BILINEAR,
    "cubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def lines(before: int, after: int, name: str) -> torch.Tensor:
    whole = torch.tensor([before]), torch.tensor([after])
    return sampling(*whole, before, after, torch.tensor([list(FILTERS).index(name)]), torch.ones(1))


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("size", [(48, 60), (37, 41), (96, 120), (150, 121)])
def test_as_pillow_resizes(name: str, size: tuple[int, int]) -> None:
    picture = scene(2)[..., 0].astype(np.float32)
    wanted = np.asarray(Image.fromarray(picture).resize(size[::-1], PILLOW[name]))
    rows, columns = lines(96, size[0], name), lines(120, size[1], name)
    ours = applied(torch.from_numpy(picture)[None, None], rows, columns)[0, 0].numpy()
    differences = np.abs(ours - wanted)
    # A box that ends in the middle of a pixel takes it or leaves it by the last bit.
    assert np.quantile(differences, 0.99 if name != "box" else 0.9) < 0.01


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_every_picture_shrinks_by_its_own_filter(scale: int) -> None:
    images, kind = scenes(4, 48, 24), torch.arange(4)
    together = shrunk(images, scale, kind, torch.ones(4))
    assert together.shape == (4, 3, 48 // scale, 24 // scale)
    for row in range(4):
        alone = shrunk(images[row : row + 1], scale, kind[row : row + 1], torch.ones(1))
        torch.testing.assert_close(alone[0], together[row], atol=1e-6, rtol=0)
    if scale == 2:
        means = images.unfold(2, 2, 2).unfold(3, 2, 2).mean((4, 5))
        torch.testing.assert_close(together[0], means[0], atol=1e-5, rtol=0)


def test_a_stretched_filter_is_softer() -> None:
    images = scenes(2, 64, 64)
    sharp, soft = (shrunk(images, 2, torch.full((2,), 2), torch.full((2,), s)) for s in (1.0, 1.5))
    assert soft.diff(dim=3).abs().mean() < 0.95 * sharp.diff(dim=3).abs().mean()


def test_down_and_up_loses_detail_and_nothing_else() -> None:
    images = scenes(3, 64, 48)
    out = rescaled(images, torch.tensor([1.0, 0.7, 0.3]), Draw(1, 3))
    errors = (out - images).abs().mean((1, 2, 3))
    assert torch.equal(out[0], images[0])
    assert 0 < errors[1] < errors[2]
    torch.testing.assert_close(out.mean((2, 3)), images.mean((2, 3)), atol=0.03, rtol=0)
    flat = torch.full((3, 3, 20, 20), 0.3)
    torch.testing.assert_close(rescaled(flat, torch.tensor([0.9, 0.5, 0.2]), Draw(2, 3)), flat, atol=1e-5, rtol=0)
