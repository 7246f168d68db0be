from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ganvas.errors import FileError, UsageError
from ganvas.model.descriptor import Descriptor, GeneratorSpec, PhotoSpec
from ganvas.model.load import load_model
from ganvas.model.photo import load_photo_model, shrink_model
from ganvas.model.save import save_model, write_tensors
from ganvas.network.image_to_image import build_image_to_image, fused
from tests.network.architectures import perturbed
from tests.photo_models import write_model

ARGUMENTS: dict[str, Any] = {"scale": 2, "width": 8, "depth": 2}
GIVEN = torch.rand(1, 3, 12, 10, generator=torch.Generator().manual_seed(0)) * 2 - 1


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return perturbed(build_image_to_image("plain", ARGUMENTS)).float().eval()


def description(**changes: Any) -> Descriptor:
    spec = GeneratorSpec("plain", ARGUMENTS)
    whole = Descriptor("upscale", (96, 96), 3, 0, {"generator": spec}, photo=PhotoSpec(2, 1, 4))
    return replace(whole, **changes)


def write(path: Path, *, faithful: bool = True, described: Descriptor | None = None) -> Path:
    kept = {f"faithful/generator/{key}": value for key, value in network(1).state_dict().items()}
    save_model(path, described or description(), {"generator": network(2)}, kept if faithful else None)
    return path


def painted(painter: nn.Module) -> Tensor:
    with torch.no_grad():
        image: Tensor = painter(GIVEN)
    return image


def test_both_ends_are_those_that_were_saved(tmp_path: Path) -> None:
    model = load_photo_model(write(tmp_path / "m.safetensors"), device="cpu")
    assert model.two_ends
    assert model.photo == PhotoSpec(2, 1, 4)
    torch.testing.assert_close(painted(model.at(0)), painted(fused(network(2))))
    torch.testing.assert_close(painted(model.at(1)), painted(fused(network(1))))


def test_between_the_ends_the_weights_are_between(tmp_path: Path) -> None:
    model = load_photo_model(write(tmp_path / "m.safetensors"), device="cpu")
    between = network(2)
    mixed = {key: 0.75 * value + 0.25 * network(1).state_dict()[key] for key, value in between.state_dict().items()}
    between.load_state_dict(mixed)
    torch.testing.assert_close(painted(model.at(0.25)), painted(fused(between)))
    assert not model.at(0.25).training
    assert not any(parameter.requires_grad for parameter in model.at(0.25).parameters())


def test_a_network_asked_for_is_of_its_own(tmp_path: Path) -> None:
    model = load_photo_model(write(tmp_path / "m.safetensors"), device="cpu")
    before = painted(model.at(0))
    for parameter in model.at(0).parameters():
        parameter.zero_()
    assert torch.equal(painted(model.at(0)), before)


def test_one_end_is_the_same_everywhere(tmp_path: Path) -> None:
    model = load_photo_model(write(tmp_path / "m.safetensors", faithful=False), device="cpu")
    assert not model.two_ends
    assert torch.equal(painted(model.at(0)), painted(model.at(1)))
    assert torch.equal(painted(model.at(0)), painted(model.at(0.3)))


@pytest.mark.parametrize("fidelity", [-0.1, 1.1, float("nan")])
def test_a_fidelity_out_of_range_is_named(tmp_path: Path, fidelity: float) -> None:
    model = load_photo_model(write(tmp_path / "m.safetensors"), device="cpu")
    with pytest.raises(UsageError, match=f"The fidelity is {fidelity:g}"):
        model.at(fidelity)


def test_half_the_size_is_nearly_the_same_model(tmp_path: Path) -> None:
    whole = write(tmp_path / "m.safetensors")
    shrink_model(whole, tmp_path / "s.safetensors")
    assert (tmp_path / "s.safetensors").stat().st_size < 0.6 * whole.stat().st_size
    assert {value.dtype for value in load_file(tmp_path / "s.safetensors").values()} == {torch.float16}
    large, small = (load_photo_model(path, device="cpu") for path in (whole, tmp_path / "s.safetensors"))
    assert small.descriptor == large.descriptor
    for fidelity in (0, 0.5, 1):
        assert next(small.at(fidelity).parameters()).dtype == torch.float32
        torch.testing.assert_close(painted(small.at(fidelity)), painted(large.at(fidelity)), atol=0.02, rtol=0)


def test_the_faithful_end_may_be_shipped_alone_with_a_card(tmp_path: Path) -> None:
    whole = write(tmp_path / "m.safetensors")
    shrink_model(whole, tmp_path / "s.safetensors", faithful_only=True, card={"licence": "MIT"})
    large, small = (load_photo_model(path, device="cpu") for path in (whole, tmp_path / "s.safetensors"))
    assert large.two_ends
    assert not small.two_ends
    assert small.descriptor.card == {**large.descriptor.card, "licence": "MIT"}
    for fidelity in (0, 1):
        torch.testing.assert_close(painted(small.at(fidelity)), painted(large.at(1)), atol=0.02, rtol=0)


def test_the_faithful_end_may_come_from_the_model_it_started_from(tmp_path: Path) -> None:
    finished = write_model(tmp_path / "finished.safetensors", "upscale", bias=0.5, faithful=0.1)
    before = write_model(tmp_path / "before.safetensors", "upscale", bias=0.2)
    shrink_model(finished, tmp_path / "s.safetensors", faithful=before)
    shipped, first, last = (
        load_photo_model(path, device="cpu") for path in (tmp_path / "s.safetensors", before, finished)
    )
    torch.testing.assert_close(painted(shipped.at(1)), painted(first.at(1)), atol=0.01, rtol=0)
    torch.testing.assert_close(painted(shipped.at(0)), painted(last.at(0)), atol=0.01, rtol=0)
    wider = write_model(tmp_path / "wider.safetensors", "upscale", width=12)
    with pytest.raises(FileError, match=r"wider\.safetensors' holds another network than .*finished"):
        shrink_model(finished, tmp_path / "t.safetensors", faithful=wider)
    assert not (tmp_path / "t.safetensors").exists()


def test_the_line_between_the_ends_may_be_cut(tmp_path: Path) -> None:
    whole = write(tmp_path / "m.safetensors")
    shrink_model(whole, tmp_path / "s.safetensors", ends=(0.25, 0.75))
    large, cut = (load_photo_model(path, device="cpu") for path in (whole, tmp_path / "s.safetensors"))
    for fidelity, before in ((0, 0.25), (0.5, 0.5), (1, 0.75)):
        torch.testing.assert_close(painted(cut.at(fidelity)), painted(large.at(before)), atol=0.01, rtol=0)
    assert not torch.allclose(painted(large.at(0)), painted(large.at(0.25)), atol=0.02)


def test_what_float16_cannot_hold_is_not_shipped(tmp_path: Path) -> None:
    big = network(2)
    next(big.parameters()).data.fill_(1e6)
    save_model(tmp_path / "m.safetensors", description(), {"generator": big})
    with pytest.raises(FileError, match="more than float16 holds"):
        shrink_model(tmp_path / "m.safetensors", tmp_path / "s.safetensors")
    assert not (tmp_path / "s.safetensors").exists()


def test_models_of_the_other_kind_are_told_apart(tmp_path: Path) -> None:
    photo = write(tmp_path / "m.safetensors")
    with pytest.raises(
        UsageError, match=r"works on photographs and paints none from seeds.*ganvas upscale PHOTO --model"
    ):
        load_model(photo)
    finder = write_model(tmp_path / "f.safetensors", "find-scratches")
    with pytest.raises(UsageError, match=r"ganvas repair PHOTO --find-scratches --scratch-model .*f\.safetensors\.$"):
        load_model(finder)
    other = write(tmp_path / "o.safetensors", described=description(photo=None, latent_dim=4, task="generate"))
    with pytest.raises(FileError, match="does not paint from photographs"):
        load_photo_model(other)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"photo": PhotoSpec(4, 1, 4)}, "two ways .scale"),
        ({"photo": PhotoSpec(2, 8, 4)}, "two ways .stride_px"),
        ({"photo": PhotoSpec(2, 1, 4, ("mask",))}, "two ways .inputs"),
        ({"photo": PhotoSpec(2, 1, 0)}, "says that its network looks 0 px far, but it looks 4 px; get the file again"),
        ({"photo": PhotoSpec(2, 1, 4096)}, "looks 4096 px far, but it looks 4 px;"),
        ({"generators": {"generator": GeneratorSpec("plain", {**ARGUMENTS, "width": 9})}}, "but its description means"),
        ({"generators": {"generator": GeneratorSpec("plain", {**ARGUMENTS, "depth": 3})}}, "does not hold the weights"),
        ({"generators": {"generator": GeneratorSpec("os.system", {})}}, "cannot be built"),
        ({"generators": {"generator": GeneratorSpec("plain", {"width": 8192, "depth": 32})}}, "cannot be built"),
        ({"generators": {"painter": GeneratorSpec("plain", ARGUMENTS)}}, "does not paint"),
    ],
)
def test_a_lying_description_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    path = write(tmp_path / "m.safetensors", described=description(**changes))
    with pytest.raises(FileError, match=words):
        load_photo_model(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("prefix", ["generator/", "snapshot/faithful/generator/"])
def test_numbers_that_are_not_finite_are_refused(tmp_path: Path, prefix: str, value: float) -> None:
    path = write(tmp_path / "m.safetensors")
    tensors = load_file(path)
    key = next(key for key in tensors if key.startswith(prefix))
    tensors[key].view(-1)[0] = value
    write_tensors(path, description(), tensors)
    with pytest.raises(FileError, match="not finite"):
        load_photo_model(path)


def test_half_a_snapshot_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "m.safetensors")
    tensors = load_file(path)
    del tensors[next(key for key in tensors if key.startswith("snapshot/"))]
    write_tensors(path, description(), tensors)
    with pytest.raises(FileError, match="does not hold the weights"):
        load_photo_model(path)


def test_loading_draws_no_random_numbers(tmp_path: Path) -> None:
    path = write(tmp_path / "m.safetensors")
    before = torch.get_rng_state()
    load_photo_model(path, device="cpu").at(0.5)
    assert torch.equal(torch.get_rng_state(), before)
