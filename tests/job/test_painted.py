from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from ganvas.data.item import Unreadable
from ganvas.data.labels import Labels, attribute_labels, class_labels, no_labels
from ganvas.errors import DataError
from ganvas.job.painted import PaintedPictures, painted_like
from ganvas.metric.pictures import Picture
from ganvas.model.load import load_model
from ganvas.model.model import Model
from ganvas.tensors import to_levels


def model_of(run: Path) -> Model:
    return load_model(run / "model.safetensors", device="cpu")


def all_of(pictures: PaintedPictures) -> list[Picture]:
    found = list(pictures.each(lambda picture: picture))
    return [one for one in found if not isinstance(one, Unreadable)]


def classes(shares: Sequence[int]) -> Labels:
    names = [name for name, count in zip(("coat", "dress", "shoe"), shares, strict=True) for _ in range(count)]
    return class_labels(names, "")


def test_pictures_are_those_of_their_seeds(plain_run: Path) -> None:
    model = model_of(plain_run)
    pictures = painted_like(model, "key", no_labels(0, ""), 9, 100)
    assert pictures.names == tuple(f"seed-000{seed}" for seed in range(100, 109))
    assert pictures.model_key == "key"
    assert pictures.conditions.shape == (9, 0)
    wanted = to_levels(model.sample(range(100, 109), batch=64))
    for row, (levels, alone) in enumerate(zip(all_of(pictures), wanted, strict=True)):
        assert levels.dtype == np.uint8
        assert levels.shape == (8, 8, 3)
        np.testing.assert_array_equal(levels, alone)
        assert np.abs(levels.astype(int) - pictures.read(row)).max() <= 1


def test_the_key_tells_model_seeds_and_labels(class_run: Path) -> None:
    model, labels = model_of(class_run), classes((1, 2, 3))

    def key(name: str = "key", shares: Sequence[int] = (1, 2, 3), count: int = 9, seed: int = 100) -> str:
        return painted_like(model, name, classes(shares), count, seed).key

    assert key() == painted_like(model, "key", labels, 9, 100).key
    assert len({key(), key("other"), key(shares=(3, 2, 1)), key(count=10), key(seed=101)}) == 5


@pytest.mark.parametrize("kind", ["plain", "class", "attribute"])
def test_the_batch_does_not_matter_but_for_rounding(
    kind: str, plain_run: Path, class_run: Path, attribute_run: Path
) -> None:
    run = {"plain": plain_run, "class": class_run, "attribute": attribute_run}[kind]
    model = model_of(run)
    conditions = np.zeros((11, 0), np.float32)
    if kind == "class":
        conditions = np.eye(3, dtype=np.float32)[np.arange(11) % 3]
    if kind == "attribute":
        conditions = np.random.default_rng(0).normal(size=(11, 2)).astype(np.float32)
    sets = [PaintedPictures(model, "key", range(5, 16), conditions, batch) for batch in (1, 4, 11, 100)]
    first, *others = [np.stack(all_of(one)).astype(int) for one in sets]
    assert len(np.unique(first.reshape(11, -1), axis=0)) == 11
    for other in others:
        assert np.abs(first - other).max() <= 1
        assert (first != other).mean() < 0.01
    read = np.stack([sets[2].read(row) for row in range(11)])
    assert np.abs(first - read).max() <= 1


def test_one_look_paints_each_picture_once(plain_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[int] = []
    original = Model.paint

    def paint(self: Model, seeds: Sequence[int], condition: torch.Tensor | None, *, batch: int = 16) -> torch.Tensor:
        painted.extend(seeds)
        return original(self, seeds, condition, batch=batch)

    monkeypatch.setattr(Model, "paint", paint)
    all_of(painted_like(model_of(plain_run), "key", no_labels(0, ""), 150, 7))
    assert painted == list(range(7, 157))


def test_classes_have_the_shares_of_the_reals(class_run: Path) -> None:
    """Within four standard deviations; a generator is not blamed for rare classes."""
    count, shares = 4000, np.array([70, 25, 5])
    pictures = painted_like(model_of(class_run), "key", classes(shares.tolist()), count, 0)
    assert set(np.unique(pictures.conditions)) == {0, 1}
    assert (pictures.conditions.sum(1) == 1).all()
    found, wanted = pictures.conditions.mean(0), shares / 100
    assert (np.abs(found - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / count)).all()


def test_the_label_of_a_seed_is_its_own(class_run: Path) -> None:
    model, labels = model_of(class_run), classes([5, 3, 2])
    whole, part = (painted_like(model, "key", labels, count, first) for count, first in ((40, 10), (5, 20)))
    np.testing.assert_array_equal(whole.conditions[10:15], part.conditions)
    for row, (levels, condition) in enumerate(zip(all_of(whole), whole.conditions, strict=True)):
        name = ("coat", "dress", "shoe")[int(condition.argmax())]
        asked = to_levels(model.sample([10 + row], label=name))[0]
        assert np.abs(levels.astype(int) - asked).max() <= 1


def test_attributes_are_drawn_from_the_reals(attribute_run: Path) -> None:
    """Pairs that reals have, on the scale the model learned, whatever pictures it is measured by."""
    model = model_of(attribute_run)
    known = model.descriptor.labels
    values = np.array([[30.0, 1.0], [40.0, 9.0], [50.0, 5.0]])
    labels = attribute_labels(("age", "height"), values, "")
    pictures = painted_like(model, "key", labels, 300, 0)
    back = pictures.conditions * np.array(known.std) + np.array(known.mean)
    nearest = np.abs(back[:, None] - values).sum(2).argmin(1)
    np.testing.assert_allclose(back, values[nearest], rtol=1e-5)
    assert np.bincount(nearest).min() > 60
    assert pictures.conditions.dtype == np.float32
    age, height = values[nearest[3]]
    asked = to_levels(model.sample([3], label={"age": age, "height": height}))[0]
    assert np.abs(all_of(pictures)[3].astype(int) - asked).max() <= 1


def test_labels_the_model_does_not_know_are_refused(class_run: Path, attribute_run: Path, plain_run: Path) -> None:
    wrong = class_labels(["coat", "hat", "shoe"], "")
    sentence = (
        r"The reals have class labels \(coat, hat, shoe\), but the model was trained with class labels \(coat, dress"
    )
    with pytest.raises(DataError, match=sentence):
        painted_like(model_of(class_run), "key", wrong, 5, 0)
    with pytest.raises(DataError, match=r"attributes labels \(age, height\); give the pictures it was trained on"):
        painted_like(model_of(attribute_run), "key", wrong, 5, 0)
    with pytest.raises(DataError, match="The reals have no labels, but"):
        painted_like(model_of(class_run), "key", no_labels(3, ""), 5, 0)
    assert len(painted_like(model_of(plain_run), "key", wrong, 5, 0).names) == 5, "a model without labels needs none"
