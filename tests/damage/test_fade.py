import torch
from torch import Tensor

from ganvas.damage.fade import Fade, faded
from tests.damage.photographs import photographs


def fade(loss: float = 0.0, colour: float = 0.0, yellow: float = 0.0, light: float = 0.8, uneven: float = 0.0) -> Fade:
    loss_, colour_, yellow_, light_, uneven_ = torch.tensor([[loss], [colour], [yellow], [light], [uneven]])
    return Fade(loss_, colour_, yellow_, light_, uneven_, centre=torch.tensor([[0.5, 0.5]]))


def spread(images: Tensor) -> Tensor:
    return images.flatten(2).std(2)


def test_no_loss_changes_nothing() -> None:
    image = photographs(1)
    assert torch.equal(faded(image, fade(yellow=1.0, uneven=1.0)), image)


def test_contrast_shrinks_by_the_loss_towards_the_papers_light() -> None:
    image = photographs(1)
    pale = faded(image, fade(loss=0.4, light=0.7))
    assert torch.allclose(spread(pale), 0.6 * spread(image), rtol=1e-4)
    assert torch.allclose(pale, 0.6 * image + 0.4 * (0.7 * 2 - 1), atol=1e-6)


def test_all_colour_lost_is_grey_of_the_same_light() -> None:
    grey = faded(photographs(1), fade(colour=1.0))
    assert torch.allclose(grey, grey[:, :1].expand_as(grey), atol=1e-6)


def test_yellow_takes_blue_before_green_and_leaves_red() -> None:
    image = photographs(1)
    off = (faded(image, fade(loss=0.4, yellow=1.0)) - faded(image, fade(loss=0.4))).mean((0, 2, 3))
    assert off[0].abs() < 1e-6
    assert off[2] < off[1] < -1e-3


def test_an_uneven_fade_grows_away_from_its_centre() -> None:
    black = torch.full((1, 3, 32, 32), -1.0)
    pale = faded(black, fade(loss=0.3, light=1.0, uneven=1.0))[0, 0]
    assert pale[0, 0] > pale[8, 8] > pale[16, 16]
    assert abs(float(pale[16, 16]) - (0.3 * 2 - 1)) < 1e-2
    assert abs(float(pale[0, 0]) - (0.3 * 1.25 * 2 - 1)) < 2e-2


def test_the_result_stays_in_range() -> None:
    strong = faded(photographs(1), fade(loss=0.9, colour=0.5, yellow=1.0, light=1.0, uneven=1.0))
    assert strong.abs().max() <= 1
