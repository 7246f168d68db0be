from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from ganvas.errors import UsageError
from ganvas.image.decode import decode
from ganvas.metric.frechet import frechet_from_features
from ganvas.metric.protocol import INCEPTION, PROTOCOLS, Protocol, prepare, quantise
from ganvas.metric.resize import ResizeName
from ganvas.network.features.inception_v3 import InceptionV3
from ganvas.network.features.interface import Channels
from ganvas.network.features.mobilenet_v2 import MobileNetV2
from ganvas.tensors import Levels, to_levels

DATA = Path(__file__).parent / "data"
SIDE_PX = 299
LEVELS_APART = {"clean": 1e-4, "pytorch-fid": 1e-4, "tf": 0.0, "ganvas": 1e-4, "stylegan": 0.0}
"""Largest difference from the tool's own input of the network; TensorFlow 1's is met bit for bit."""
TOOL = {"ganvas": "clean", "stylegan": "tf"}
"""Whose vectors a protocol is compared with, where there are none of its own."""


@pytest.fixture(scope="module")
def vectors() -> dict[str, np.ndarray]:
    return load_file(DATA / "protocol_vectors.safetensors")


@pytest.fixture(scope="module")
def pictures() -> list[Levels]:
    return [decode(path.read_bytes(), path.name) for path in sorted((DATA / "pictures").iterdir())]


def levels_apart(protocol: Protocol, tool: str, pictures: list[Levels], vectors: dict[str, np.ndarray]) -> float:
    """How far a protocol is from a tool, at most, over sampled pixels and projections of each picture."""
    sampled, signs, worst = vectors["sampled"], vectors["signs"].astype(np.float64), 0.0
    for row, picture in enumerate(pictures):
        image = prepare(picture, SIDE_PX, protocol, InceptionV3.offset, InceptionV3.scale)[0].double().numpy()
        pixels = image[:, sampled][:, :, sampled] - vectors[f"{tool}.pixels"][row]
        projections = signs @ np.tensordot([1.0, -2.0, 3.0], image, 1) @ signs.T / SIDE_PX
        off = np.abs(projections - vectors[f"{tool}.projections"][row]).max()
        rounding = 2e-7 * np.abs(projections).max()  # they are stored in float32
        worst = max(worst, np.abs(pixels).max() * 128, max(off - rounding, 0) * 128)
    return float(worst)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_networks_see_ten_pictures_as_the_tool_itself_shows_them(
    name: str, pictures: list[Levels], vectors: dict[str, np.ndarray]
) -> None:
    assert len(pictures) == 10
    apart = levels_apart(PROTOCOLS[name], TOOL.get(name, name), pictures, vectors)
    assert apart <= LEVELS_APART[name]


@pytest.mark.parametrize(
    ("name", "resize", "offset"),
    [
        ("clean", "tf", INCEPTION),
        ("clean", "torch-bilinear", INCEPTION),
        ("tf", "torch-bilinear", INCEPTION),
        ("tf", "tf", (127.5, 127.5, 127.5)),
        ("pytorch-fid", "torch-bilinear", INCEPTION),
        ("clean", "clean", (128.0, 128.0, 128.01)),
    ],
)
def test_vectors_tell_conventions_apart(
    name: str, resize: ResizeName, offset: Channels, pictures: list[Levels], vectors: dict[str, np.ndarray]
) -> None:
    wrong = replace(PROTOCOLS[name], resize=resize, offset=offset)
    assert levels_apart(wrong, name, pictures, vectors) > 50 * max(LEVELS_APART[name], 1e-4)


def test_projections_weigh_every_pixel(vectors: dict[str, np.ndarray]) -> None:
    assert set(np.unique(vectors["signs"])) == {-1, 1}
    assert vectors["signs"].shape == (8, SIDE_PX)


def test_stylegan_divides_covariances_by_the_count() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 6)), rng.normal(0.3, 1.2, size=(50, 6))

    def as_nvidia(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # sums over all, divided by their count
        mean = rows.sum(0) / len(rows)
        return mean, rows.T @ rows / len(rows) - np.outer(mean, mean)

    (mean_x, cov_x), (mean_y, cov_y) = as_nvidia(x), as_nvidia(y)
    shared = np.sqrt(np.linalg.eigvals(cov_x @ cov_y)).sum()
    expected = np.square(mean_x - mean_y).sum() + np.trace(cov_x + cov_y) - 2 * shared
    sets = torch.from_numpy(x), torch.from_numpy(y)
    stylegan, others = PROTOCOLS["stylegan"], [each for name, each in PROTOCOLS.items() if name != "stylegan"]
    assert frechet_from_features(*sets, unbiased=stylegan.unbiased) == pytest.approx(expected, rel=1e-12)
    assert all(frechet_from_features(*sets, unbiased=each.unbiased) != pytest.approx(expected) for each in others)


def test_what_was_not_compared_says_so() -> None:
    assert {name for name, each in PROTOCOLS.items() if each.verified.startswith("unverified: ")} == {"stylegan"}
    assert all(each.verified.startswith(("yes, ", "unverified: ")) for each in PROTOCOLS.values())
    assert all(each.name == name for name, each in PROTOCOLS.items())
    assert next(iter(PROTOCOLS)) == "ganvas"


def test_only_inception_gets_a_tools_range() -> None:
    white = np.full((4, 4, 3), 255, np.uint8)
    inception = prepare(white, 4, PROTOCOLS["pytorch-fid"], InceptionV3.offset, InceptionV3.scale)
    assert torch.equal(inception, torch.ones(1, 3, 4, 4))
    assert float(prepare(white, 4, PROTOCOLS["tf"], InceptionV3.offset, InceptionV3.scale).max()) == 127 / 128
    expected = (255 - torch.tensor(MobileNetV2.offset)) / torch.tensor(MobileNetV2.scale)
    for protocol in PROTOCOLS.values():
        found = prepare(white, 4, protocol, MobileNetV2.offset, MobileNetV2.scale)
        torch.testing.assert_close(found[0, :, 0, 0], expected)


def test_input_facts_are_equal_exactly_where_inputs_are() -> None:
    own = InceptionV3.offset, InceptionV3.scale
    facts = {name: protocol.input_facts(*own) for name, protocol in PROTOCOLS.items()}
    assert facts["ganvas"] == facts["clean"] == ["clean", *([128.0] * 6)]
    assert facts["tf"] == facts["stylegan"] == ["tf", *([128.0] * 6)]
    assert facts["pytorch-fid"] == ["torch-bilinear", *([127.5] * 6)]
    assert PROTOCOLS["pytorch-fid"].input_facts(MobileNetV2.offset, MobileNetV2.scale)[1:4] == [*MobileNetV2.offset]


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (13, 2), (20, 20), (33, 47)])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", PROTOCOLS)
def test_any_size_and_channels_one_by_one_as_in_a_batch(size: tuple[int, int], channels: int, name: str) -> None:
    batch = np.random.default_rng(1).integers(0, 256, (3, *size, channels), dtype=np.uint8)
    whole = prepare(batch, 20, PROTOCOLS[name], INCEPTION, INCEPTION)
    assert whole.shape == (3, 3, 20, 20)
    assert whole.dtype == torch.float32
    assert whole.isfinite().all()
    for picture, image in zip(batch, whole, strict=True):
        assert torch.equal(prepare(picture, 20, PROTOCOLS[name], INCEPTION, INCEPTION)[0], image)


def test_grey_is_three_equal_channels_and_transparency_lies_on_white() -> None:
    rng = np.random.default_rng(2)
    grey = rng.integers(0, 256, (30, 30, 1), dtype=np.uint8)
    image = prepare(grey, 20, PROTOCOLS["ganvas"], INCEPTION, INCEPTION)
    assert torch.equal(image, prepare(grey.repeat(3, 2), 20, PROTOCOLS["ganvas"], INCEPTION, INCEPTION))
    colour, alpha = rng.integers(0, 256, (30, 30, 3), dtype=np.uint8), np.zeros((30, 30, 1), np.uint8)
    hidden = prepare(np.concatenate([colour, alpha], 2), 20, PROTOCOLS["ganvas"], (0.0,) * 3, (255.0,) * 3)
    torch.testing.assert_close(hidden, torch.ones(1, 3, 20, 20))
    shown = prepare(np.concatenate([colour, alpha + 255], 2), 20, PROTOCOLS["ganvas"], INCEPTION, INCEPTION)
    assert torch.equal(shown, prepare(colour, 20, PROTOCOLS["ganvas"], INCEPTION, INCEPTION))


def test_read_only_and_mirrored_views_are_read_right_and_left_as_they_were() -> None:
    picture = np.random.default_rng(3).integers(0, 256, (24, 31, 3), dtype=np.uint8)
    expected = prepare(picture[:, ::-1].copy(), 20, PROTOCOLS["tf"], INCEPTION, INCEPTION)
    before = picture.copy()
    picture.setflags(write=False)  # as a memory-mapped file gives them
    assert torch.equal(prepare(picture[:, ::-1], 20, PROTOCOLS["tf"], INCEPTION, INCEPTION), expected)
    same = prepare(picture, 24, PROTOCOLS["tf"], INCEPTION, INCEPTION)
    same.zero_()
    assert np.array_equal(picture, before)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.uint16),
        np.zeros((1, 1, 4, 4, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(picture: Levels) -> None:
    with pytest.raises(UsageError, match=r"cannot be measured; give 8-bit pictures"):
        prepare(picture, 8, PROTOCOLS["ganvas"], INCEPTION, INCEPTION)


def test_quantise_is_stylegans_rounding_but_for_ties() -> None:
    images = torch.rand(4, 3, 500, 500, generator=torch.Generator().manual_seed(0)) * 2.2 - 1.1
    theirs = (images * 127.5 + 128).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    mine = quantise(images)
    assert np.array_equal(mine, to_levels(images))
    apart = mine != theirs
    assert 0 < apart.sum() < 100  # of three million
    exact = images.permute(0, 2, 3, 1).double().numpy()[apart] * 127.5 + 127.5
    assert np.abs(exact - np.floor(exact) - 0.5).max() < 2e-5
    assert np.abs(mine[apart].astype(int) - theirs[apart]).max() == 1


def test_quantised_levels_come_back_as_they_were() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    assert np.array_equal(quantise(torch.from_numpy(levels).permute(0, 3, 1, 2) / 127.5 - 1), levels)
