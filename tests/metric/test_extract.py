import numpy as np
import pytest
import torch

from ganvas.data.duplicates import thumbnail
from ganvas.data.item import Unreadable
from ganvas.errors import DataError
from ganvas.metric.extract import Extracted, extract
from ganvas.metric.protocol import PROTOCOLS, prepare
from ganvas.network.features import Loaded, load_feature_network
from ganvas.network.features.classifier import Classifier, save_classifier
from tests.data.pictures import noise, scene
from tests.evaluations import CPU, Listed, mean_network, random_network
from tests.network.features.networks import shaken

PROTOCOL = PROTOCOLS["ganvas"]
LOST = Unreadable("lost.png", "it is lost")
MIXED = [noise(0, 9, 4, 1), noise(1, 80, 70, 3), scene(2), noise(3, 5, 5, 4), scene(4, 40, 40), noise(5, 1, 1, 3)]


def look(pictures: Listed, network: Loaded, batch: int = 32, precision: str = "float32") -> Extracted:
    return extract(pictures, network, PROTOCOL, device=CPU, batch=batch, precision=precision)


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> list[Loaded]:
    """A random one, and one with classes and batch normalisation."""
    file = tmp_path_factory.mktemp("classifier") / "classifier.safetensors"
    save_classifier(file, shaken(Classifier(16, 3, 7)))
    return [random_network(), load_feature_network("classifier", weights=file)]


def test_features_are_those_of_each_picture_alone(networks: list[Loaded]) -> None:
    """Whatever stands beside it, and however many are looked at at once."""
    for network in networks:
        alone = [
            network.network(prepare(one, network.side_px, PROTOCOL, network.offset, network.scale)) for one in MIXED
        ]
        features, logits = torch.cat([one.features for one in alone]), torch.cat([one.logits for one in alone])
        size = float(features.abs().max())
        for batch in (1, 4, 6, 50):
            found = look(Listed(MIXED), network, batch)
            torch.testing.assert_close(found.features, features, rtol=0, atol=1e-5 * size)
            torch.testing.assert_close(found.logits, logits, rtol=0, atol=1e-5 * max(size, 1))
        turned = look(Listed(MIXED[::-1]), network)
        torch.testing.assert_close(turned.features.flip(0), features, rtol=0, atol=1e-5 * size)
        assert found.features.shape == (6, network.dim)
        assert found.logits.shape == (6, network.classes)
        assert not found.features.requires_grad


def test_what_else_is_known() -> None:
    progress: list[tuple[int, int]] = []
    found = extract(
        Listed([*MIXED, noise(6, 9, 4)]),
        mean_network(),
        PROTOCOL,
        device=CPU,
        batch=3,
        progress=lambda done, total: progress.append((done, total)),
    )
    assert progress == [(3, 7), (6, 7), (7, 7)]
    assert found.sizes == {(9, 4): 2, (80, 70): 1, (96, 128): 1, (5, 5): 1, (40, 40): 1, (1, 1): 1}
    assert found.rows.tolist() == list(range(7))
    assert found.rows.dtype == np.int64
    np.testing.assert_array_equal(found.thumbnails, [thumbnail(one) for one in [*MIXED, noise(6, 9, 4)]])
    assert len(found) == 7


@pytest.mark.parametrize("batch", [1, 4, 100])
def test_a_few_unreadable_pictures_are_left_out(batch: int) -> None:
    pictures = [np.full((4, 4, 3), row, np.uint8) for row in range(40)]
    found = look(Listed([*pictures[:3], LOST, *pictures[4:39], LOST]), mean_network(), batch)
    assert found.unreadable == (LOST, LOST)
    rows = [row for row in range(40) if row not in (3, 39)]
    assert found.rows.tolist() == rows
    np.testing.assert_allclose(found.features[:, 0], (np.array(rows) - 127.5) / 127.5, atol=1e-5)


def test_too_many_unreadable_pictures_are_refused() -> None:
    pictures = [noise(row) for row in range(18)]
    with pytest.raises(DataError, match=r"2 of 20 pictures cannot be read \('lost.png', 'lost.png'\)"):
        look(Listed([*pictures, LOST, LOST]), mean_network())
    assert len(look(Listed([*pictures, noise(0), LOST]), mean_network())) == 19
    with pytest.raises(DataError, match="1 of 1"):
        look(Listed([LOST]), mean_network())


@pytest.mark.parametrize("batch", [1, 5, 64])
def test_a_picture_without_finite_features_is_named(batch: int) -> None:
    dark, bright = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 250, np.uint8)
    pictures = [dark] * 7 + [LOST] + [dark] * 14 + [bright] + [dark] * 3 + [bright]
    with pytest.raises(DataError, match=r"no finite numbers for '022.png'; its weights may be damaged"):
        look(Listed(pictures), mean_network(0.9), batch)


def test_bfloat16_is_near_and_not_the_same(networks: list[Loaded]) -> None:
    for network in networks:
        exact, rough = (look(Listed(MIXED), network, precision=precision) for precision in ("float32", "bfloat16"))
        assert rough.features.dtype == torch.float32
        gap = float((exact.features - rough.features).norm() / exact.features.norm())
        assert 1e-5 < gap < 0.05
