import torch

from ganvas.damage.scratches import scratched
from ganvas.draw import Draw
from tests.damage.photographs import scenes


def test_the_mask_is_what_changed() -> None:
    images = scenes(40, 64, 48)
    damaged, mask = scratched(images, Draw(0, 40))
    assert mask.shape == (40, 1, 64, 48)
    assert mask.unique().tolist() == [0, 1]
    changed = (damaged != images).any(1, keepdim=True)
    assert not (changed & (mask == 0)).any()
    assert changed.sum() > 0.97 * mask.sum()  # paint of the very colour below it changes nothing
    visible = ((damaged - images).abs().amax(1, keepdim=True) > 3 / 127.5).sum()
    assert visible > 0.7 * mask.sum()
    assert (damaged.abs() <= 1).all()


def test_some_pictures_are_whole_and_none_is_lost() -> None:
    _, mask = scratched(scenes(200, 32, 32), Draw(1, 200))
    area = mask.mean((1, 2, 3))
    assert 0.08 < float((area == 0).float().mean()) < 0.4
    assert float(area.median()) < 0.15
    assert float(area.max()) > 0.1


def test_damage_is_bright_and_dark_and_soft_at_its_edge() -> None:
    images = torch.zeros(100, 3, 48, 48)
    damaged, mask = scratched(images, Draw(2, 100))
    values = damaged[mask.bool().expand_as(damaged)]
    assert 0.2 < float((values > 0).float().mean()) < 0.8
    assert float((values.abs() > 0.5).float().mean()) > 0.05
    assert float((values.abs() < 0.2).float().mean()) > 0.2


def test_slices_are_parts_of_the_whole() -> None:
    images, draw = scenes(6, 32, 32), Draw(3, 6)
    whole, part = scratched(images, draw), scratched(images[1:4], draw.rows(1, 4))
    assert torch.equal(part[0], whole[0][1:4])
    assert torch.equal(part[1], whole[1][1:4])
