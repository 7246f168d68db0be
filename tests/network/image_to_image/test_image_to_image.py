"""What holds for every network from pictures to pictures."""

import pytest
import torch
from torch import nn

from ganvas.errors import UsageError
from ganvas.network.image_to_image import IMAGE_TO_IMAGE, build_image_to_image, receptive_radius_px
from ganvas.network.layers.fill import smooth_fill
from tests.network.architectures import plain
from tests.network.image_to_image.small import VARIANTS, built, facts, given_for, trained

every = pytest.mark.parametrize("variant", VARIANTS)


def test_the_list_is_the_one_tested() -> None:
    assert sorted(IMAGE_TO_IMAGE) == sorted({name for name, _ in VARIANTS.values()})


@every
@pytest.mark.parametrize("strides", [(1, 1), (2, 1), (1, 7), (5, 3), (13, 2)])
def test_any_size_in_strides_comes_out_scaled(variant: str, strides: tuple[int, int]) -> None:
    network = trained(variant)
    given = given_for(network, strides)
    channels = 1 if "logits" in variant else 3
    scale = facts(network).scale
    painted = network(given)
    assert painted.shape == (2, channels, given.shape[2] * scale, given.shape[3] * scale)
    assert painted.isfinite().all()
    assert painted.std() > 0


@every
def test_a_fresh_network_adds_nothing_to_its_start(variant: str) -> None:
    network = built(variant)
    given = given_for(network, dtype=torch.float32)
    scale, picture = facts(network).scale, given[:, :3]
    expected = picture.repeat_interleave(scale, dim=2).repeat_interleave(scale, dim=3)
    if VARIANTS[variant][0] == "gated-unet":
        expected = smooth_fill(picture, given[:, 3:])
    if "logits" in variant:
        expected = torch.zeros_like(picture[:, :1])
    assert torch.equal(network(given), expected)


@every
def test_gradient_reaches_every_weight_and_every_plane(variant: str) -> None:
    network = trained(variant).train()
    given = given_for(network).requires_grad_()
    network(given).square().sum().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.any(), key
    assert given.grad is not None
    assert given.grad.flatten(2).any(2).all()


@every
def test_a_few_steps_move_every_weight(variant: str) -> None:
    """Layers that start at zero must not keep each other there."""
    network = built(variant).double()
    given, before = given_for(network), {key: value.clone() for key, value in network.state_dict().items()}
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01)
    for _ in range(4):
        optimiser.zero_grad()
        (network(given) - 0.3).square().mean().backward()
        optimiser.step()
    assert [key for key, value in network.named_parameters() if torch.equal(value, before[key])] == []


@every
def test_a_painting_does_not_depend_on_its_batch_or_on_training_mode(variant: str) -> None:
    network = trained(variant)
    given = given_for(network, count=3)
    together = network(given)
    alone = torch.cat([network(one[None]) for one in given])
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)
    assert torch.equal(together, network.train()(given))


@every
def test_the_seed_decides_the_weights(variant: str) -> None:
    first, second = built(variant).state_dict(), built(variant).state_dict()
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[key]) for key, value in first.items())


@every
def test_channels_last_changes_nothing(variant: str) -> None:
    network = trained(variant, torch.float32)
    given = given_for(network, dtype=torch.float32)
    expected = network(given)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    turned = network(given.to(memory_format=torch.channels_last))
    torch.testing.assert_close(turned, expected, atol=1e-5, rtol=1e-5)


@every
def test_autocast_gives_a_float32_picture_close_to_that_without(variant: str) -> None:
    network = trained(variant, torch.float32)
    given = given_for(network, dtype=torch.float32)
    exact = network(given)
    convs: list[torch.dtype] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda conv, given, painted: convs.append(painted.dtype))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = network(given)
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, exact)
    assert (rounded - exact).std() < 0.05 * exact.std()
    # The sum with the picture is float32 either way, so the last convolution has to be asked.
    assert convs[0] == torch.bfloat16
    assert convs[-1] == (torch.bfloat16 if variant.startswith("plain") else torch.float32)


@every
def test_aligned_tiles_with_the_measured_overlap_are_the_whole(variant: str) -> None:
    network = trained(variant)
    stride, scale = facts(network).stride_px, facts(network).scale
    overlap = stride * -(-receptive_radius_px(network) // stride)
    given = given_for(network, (3 * (overlap // stride) + 3, 2), count=1)
    start = overlap + stride
    tile = network(given[:, :, start - overlap : start + stride + overlap])
    middle = tile[:, :, overlap * scale : (overlap + stride) * scale]
    whole = network(given)[:, :, start * scale : (start + stride) * scale]
    torch.testing.assert_close(middle, whole, rtol=1e-12, atol=1e-12)


@every
def test_what_it_cannot_take_is_refused(variant: str) -> None:
    network = built(variant)
    given = given_for(network, dtype=torch.float32)
    with pytest.raises(UsageError, match=f"takes RGB and .*, {given.shape[1]} channels, but got 9 channels"):
        network(torch.zeros(1, 9, *given.shape[2:]))
    stride = facts(network).stride_px
    if stride > 1:
        for crop in (given[:, :, 1:], given[..., :-1]):
            with pytest.raises(UsageError, match=f"multiples of {stride} pixels, but got {crop.shape[2]}x"):
                network(crop)


@every
def test_attributes_are_the_arguments(variant: str) -> None:
    arguments = VARIANTS[variant][1]
    network = built(variant)
    assert {key: getattr(network, key) for key in arguments} == plain(arguments)


@every
def test_networks_can_be_laid_out_without_memory(variant: str) -> None:
    name, arguments = VARIANTS[variant]
    with torch.device("meta"):
        network: nn.Module = build_image_to_image(name, arguments)
    assert all(value.is_meta for value in network.state_dict().values())
    assert network.state_dict().keys() == built(variant).state_dict().keys()
