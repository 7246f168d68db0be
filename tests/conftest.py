from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runs import class_folder, plain_folder, small_train, table_folder


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test touches the cache of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANVAS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def own_heap() -> Iterator[None]:
    """No command run in this process changes how its memory is kept for the tests that follow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ganvas.cli.app.keep_freed_memory", lambda: False)
        yield


@pytest.fixture(scope="session")
def quick() -> Iterator[None]:
    """Plans that measure the fewest steps they can."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ganvas.job.calibrate.MEASURED_S", 0.0)
        patch.setattr("ganvas.job.calibrate.WARM_UP_STEPS", 0)
        yield


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 pictures of noise without labels, 8x8, RGB."""
    return plain_folder(tmp_path_factory.mktemp("plain") / "noise")


@pytest.fixture(scope="session")
def plain_run(pictures: Path, tmp_path_factory: pytest.TempPathFactory, quick: None) -> Path:
    """A finished run on `pictures`; nobody changes it."""
    return small_train(pictures, tmp_path_factory.mktemp("plain-runs"))


@pytest.fixture(scope="session")
def class_run(tmp_path_factory: pytest.TempPathFactory, quick: None) -> Path:
    """A finished run on pictures of the classes coat, dress and shoe; nobody changes it."""
    root = tmp_path_factory.mktemp("classes")
    return small_train(class_folder(root / "clothes"), root / "runs")


@pytest.fixture(scope="session")
def attribute_run(tmp_path_factory: pytest.TempPathFactory, quick: None) -> Path:
    """A finished run on pictures with the attributes age and height; nobody changes it."""
    root = tmp_path_factory.mktemp("attributes")
    return small_train(table_folder(root / "people"), root / "runs")
