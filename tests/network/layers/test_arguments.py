from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import nn

from ganvas.errors import UnknownName, UsageError
from ganvas.network.discriminator import build_discriminator
from ganvas.network.generator import GENERATORS, build_generator
from ganvas.network.image_to_image import build_image_to_image
from tests.network.architectures import NAMES, plain, small_arguments

GOOD: dict[str, Any] = {"size": [28, 28], "channels": 1, "latent_dim": 8, "width": 4, "blocks": 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"widht": 4}, "no argument 'widht' of the generator 'fast'; it takes size, channels, .*blocks"),
        ({"self": 4}, "no argument 'self'"),
        ({"size": "28x28"}, "'size' of the generator 'fast' is '28x28', but must be a list of 2 whole"),
        ({"size": [28]}, "'size'"),
        ({"size": [28, 28, 28]}, "'size'"),
        ({"size": [28, 0]}, "'size'"),
        ({"size": [28, 10**9]}, "'size'"),
        ({"size": [28, 28.0]}, "'size'"),
        ({"size": [[28], 28]}, "'size'"),
        ({"size": {"0": 28}}, "'size'"),
        ({"size": None}, "'size'"),
        ({"channels": 2}, "'channels' .* is 2, but must be 1, 3 or 4"),
        ({"channels": True}, "'channels'"),
        ({"channels": 1.0}, "'channels'"),
        ({"latent_dim": 0}, "'latent_dim' .* is 0, but must be a whole number from 1 to"),
        ({"latent_dim": -8}, "'latent_dim'"),
        ({"latent_dim": "8"}, "'latent_dim'"),
        ({"latent_dim": float("nan")}, "'latent_dim'"),
        ({"label_dim": -1}, "'label_dim'"),
        ({"width": 10**30}, "'width'"),
        ({"width": [4]}, "'width'"),
        ({"blocks": 10**6}, "'blocks'"),
        ({"blocks": False}, "'blocks'"),
    ],
)
def test_bad_values_are_refused_by_name(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build_generator("fast", {**GOOD, **change})


@pytest.mark.parametrize("missing", ["size", "channels", "latent_dim"])
def test_missing_values_are_refused_by_name(missing: str) -> None:
    arguments = {name: value for name, value in GOOD.items() if name != missing}
    with pytest.raises(UsageError, match=f"'{missing}' of the generator 'fast' is missing"):
        build_generator("fast", arguments)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("mlp", {"bounded": 1}, "'bounded' .* must be true or false"),
        ("dcgan", {"normalise": "layer"}, "'normalise' .* must be one of batch, none"),
        ("dcgan", {"normalise": ["batch"]}, "'normalise'"),
        ("r3", {"widths": 8}, "'widths' .* must be a list of 1 to 16 whole numbers"),
        ("r3", {"widths": []}, "'widths'"),
        ("r3", {"widths": [8] * 17}, "'widths'"),
        ("r3", {"widths": [8, 8, -8]}, "'widths'"),
        ("r3", {"widths": [8, 8]}, "2 widths"),
        ("r3", {"widths": [8, 8, 7]}, "width of 7 .* groups of 4"),
        ("resnet", {"size": [3, 28]}, "3x28 pixels are too small"),
    ],
)
def test_values_of_one_architecture(name: str, change: dict[str, Any], message: str) -> None:
    arguments = {**small_arguments(name, (28, 28), 1, 0), "latent_dim": 8, **change}
    with pytest.raises(UsageError, match=message):
        build_generator(name, arguments)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("unet", {"inputs": ["fog"]}, "'inputs' .* must be a list of none or some, each once, of mask, strength"),
        ("unet", {"inputs": ["mask", "mask"]}, "'inputs'"),
        ("unet", {"inputs": "mask"}, "'inputs'"),
        ("unet", {"inputs": [["mask"]]}, "'inputs'"),
        ("unet", {"channels_out": 2}, "'channels_out' .* is 2, but must be 1 or 3"),
        ("unet", {"scales": 7}, "'scales' .* from 1 to 6"),
        ("unet", {"block": "sparse"}, "'block' .* must be one of dense, depthwise"),
        ("gated-unet", {"dilations": [1, 0]}, "'dilations' .* a list of 1 to 16 whole numbers from 1 to 16"),
        ("gated-unet", {"dilations": []}, "'dilations'"),
        ("plain", {"scale": 0}, "'scale' of the network 'plain' is 0, but must be a whole number from 1 to 8"),
        ("compact", {"inputs": []}, "no argument 'inputs' of the network 'compact'"),
        ("compact", {"width": 8192, "depth": 32}, "million weights, above the limit of 500 million"),
        ("palin", {}, "no network 'palin'. Did you mean 'plain'"),
    ],
)
def test_values_of_networks_from_pictures_to_pictures(name: str, change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build_image_to_image(name, change)


@pytest.mark.parametrize("inputs", [[], ["mask"], ["strength", "mask"]])
def test_names_may_come_in_any_number_and_order(inputs: list[str]) -> None:
    assert build_image_to_image("unet", {"inputs": inputs, "width": 2}).inputs == tuple(inputs)


@pytest.mark.parametrize("build", [build_generator, build_discriminator])
@pytest.mark.parametrize("name", ["fsat", "__class__", "ganvas.errors", "", "x" * 10_000])
def test_unknown_names_are_refused_with_a_list(
    build: Callable[[str, Mapping[str, object]], nn.Module], name: str
) -> None:
    with pytest.raises(UnknownName, match=r"dcgan, fast, mlp, (patch, )?r3, resnet") as caught:
        build(name, GOOD)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("mlp", {"size": [4096, 4096], "channels": 4, "width": 8192, "depth": 32}),
        ("dcgan", {"size": [8192, 8192], "channels": 4, "width": 8192, "max_width": 8192}),
        ("resnet", {"size": [8192, 8192], "channels": 4, "width": 8192}),
        ("r3", {"size": [8192, 8192], "channels": 4, "widths": [8192] * 12, "blocks": 32}),
        ("fast", {"size": [8192, 8192], "channels": 4, "width": 8192, "max_width": 8192, "blocks": 32}),
        ("fast", {"size": [4, 8192], "channels": 4, "width": 256}),
    ],
)
@pytest.mark.parametrize("kind", ["generator", "discriminator"])
def test_values_within_limits_that_add_up_to_terabytes_are_refused_without_allocating(
    name: str, arguments: dict[str, Any], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nn.Module, "register_parameter", _only_on_meta(nn.Module.register_parameter))
    build = build_generator if kind == "generator" else build_discriminator
    latent = {"latent_dim": 8192} if kind == "generator" else {}
    with pytest.raises(UsageError, match="million weights, above the limit of 500 million"):
        build(name, {**arguments, **latent, "label_dim": 65536})


def _only_on_meta(
    register: Callable[[nn.Module, str, nn.Parameter | None], None],
) -> Callable[[nn.Module, str, nn.Parameter | None], None]:
    def checked(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        assert parameter is None or parameter.is_meta, "real memory was allocated"
        register(module, name, parameter)

    return checked


@pytest.mark.parametrize("name", NAMES)
def test_counting_the_weights_first_draws_no_random_number(name: str) -> None:
    arguments = {**small_arguments(name, (17, 33), 1, 3), "latent_dim": 8}
    torch.manual_seed(5)
    built = build_generator(name, arguments).state_dict()
    torch.manual_seed(5)
    direct = GENERATORS[name](**plain(arguments)).state_dict()
    assert all(torch.equal(value, direct[key]) for key, value in built.items())


@pytest.mark.parametrize("name", NAMES)
def test_networks_can_be_laid_out_without_memory(name: str) -> None:
    with torch.device("meta"):
        generator = build_generator(name, {**small_arguments(name, (28, 28), 1, 3), "latent_dim": 8})
        discriminator = build_discriminator(name, small_arguments(name, (28, 28), 1, 3))
    assert all(value.is_meta for network in (generator, discriminator) for value in network.state_dict().values())
