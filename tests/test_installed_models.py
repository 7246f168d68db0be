"""What every installed model must keep to."""

import pytest
import torch
import torch.nn.functional as F

from ganvas.apply.filter import LocalFilter
from ganvas.apply.guess import guessed
from ganvas.model.catalogue import FOLDER, Installed, installed_models
from ganvas.model.photo import load_photo_model
from ganvas.network.image_to_image import receptive_radius_px
from tests.apply.filters import tiles_differ_by
from tests.task.scenes import scenes

MOST_BYTES = 32 << 20
MODELS = installed_models()
every = pytest.mark.parametrize("model", MODELS, ids=[model.path.stem for model in MODELS])


def filter_of(model: Installed) -> LocalFilter:
    photo = load_photo_model(model.path, device="cpu")
    network, spec = photo.at(1), photo.photo
    planes = len(spec.inputs)

    def fn(given: torch.Tensor) -> torch.Tensor:
        painted: torch.Tensor = network(F.pad(given, (0, 0, 0, 0, 0, planes), value=0.5))
        return painted

    return LocalFilter(fn, spec.scale, spec.stride_px, spec.radius_px)


def test_all_of_them_fit_into_the_package() -> None:
    assert MODELS
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= MOST_BYTES


@every
def test_a_card_says_what_one_may_do_with_it(model: Installed) -> None:
    assert {"licence", "data", "data_list_sha256", "scores", "training_hours", "device"} <= set(model.descriptor.card)


@every
def test_tiles_are_the_whole(model: Installed) -> None:
    picture = scenes(1, 200, 232)[0]
    assert tiles_differ_by(filter_of(model), picture, [40, 96]) <= 0.01  # levels


@every
def test_it_looks_as_far_as_it_says(model: Installed) -> None:
    photo = load_photo_model(model.path, device="cpu")
    assert receptive_radius_px(photo.at(1)) == photo.photo.radius_px


@pytest.mark.parametrize("fidelity", [0.0, 1.0])
def test_a_wall_and_a_sky_go_on_without_a_trace(fidelity: float) -> None:
    """What stood before them is gone: half a picture wide, and a wire."""
    (repair,) = (model for model in MODELS if model.descriptor.task == "repair")
    network = load_photo_model(repair.path, device="cpu").at(fidelity)
    mask = torch.zeros(1, 1, 512, 384)
    mask[..., 100:420, 90:290] = mask[..., 40:43, :] = 1
    wall = torch.tensor([200, 30, 30]).view(1, 3, 1, 1).expand(1, 3, 512, 384)
    down = torch.linspace(0, 1, 512).view(1, 1, 512, 1)
    sky = (torch.tensor([60, 120, 200]).view(1, 3, 1, 1) + down * 80).expand(1, 3, 512, 384)
    for levels, most in ((wall, 0.01), (sky, 2)):
        picture = levels / 127.5 - 1
        with torch.inference_mode():
            painted = network(torch.cat([guessed(torch.where(mask.bool(), -1, picture), mask), mask], 1))
        assert ((painted - picture) * mask).abs().max() * 127.5 < most
