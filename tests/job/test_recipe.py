from pathlib import Path

import pytest
import torch

from ganvas.data.labels import no_labels
from ganvas.errors import UnknownName, UsageError
from ganvas.job.networks import build_task
from ganvas.job.plan import Pictures, complete
from ganvas.job.recipe import TRAIN_OPTIONS, gather, preset_texts

PRESETS = preset_texts()
every_preset = pytest.mark.parametrize("name", PRESETS)


def test_every_shipped_file_is_a_preset() -> None:
    folder = Path(__file__).parents[2] / "src" / "ganvas" / "presets"
    assert sorted(PRESETS) == sorted(path.stem for path in folder.glob("*.toml"))
    assert {"gan", "dcgan", "wgan", "wgan-gp", "sngan", "r3gan", "demo"} <= set(PRESETS)


@every_preset
def test_a_preset_makes_a_whole_run_whose_networks_can_be_built(name: str) -> None:
    given = gather({}, name)
    config = complete(given, Pictures(1000, (64, 64), 3), torch.device("cpu"))
    assert {key: config.flat()[key] for key in given} == given
    with torch.device("meta"):
        players = build_task(config, no_labels(1000, "")).players()  # refuses a penalty that BatchNorm does not bear
    assert set(players.networks()) == {"generator", "discriminator"}


def test_published_numbers() -> None:
    """DCGAN section 4; WGAN algorithm 1; WGAN-GP algorithm 1; SNGAN on CIFAR-10; R3GAN on FFHQ-64."""
    read = {name: gather({}, name) for name in PRESETS}
    assert [read["dcgan"][key] for key in ("lr", "beta1", "batch", "latent_dim")] == [2e-4, 0.5, 128, 100]
    assert [read["wgan"][key] for key in ("lr", "clip_limit", "critic_steps", "batch")] == [5e-5, 0.01, 5, 64]
    assert [read["wgan-gp"][key] for key in ("lr", "gamma", "critic_steps", "beta1", "beta2")] == [1e-4, 10, 5, 0, 0.9]
    assert [read["sngan"][key] for key in ("lr", "critic_steps", "beta1", "beta2", "loss")] == [
        2e-4,
        5,
        0,
        0.9,
        "hinge",
    ]
    assert [read["r3gan"][key] for key in ("lr", "gamma", "gamma_final", "batch")] == [2e-4, 2, 0.2, 256]


def test_flags_win_over_a_file_and_a_file_over_a_preset(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('lr = 3e-4\nbatch = 32\naugment = ["flip"]\n')
    given = gather({"batch": "16"}, "dcgan", file)
    assert (given["network"], given["lr"], given["batch"], given["augment"]) == ("dcgan", 3e-4, 16, ("flip",))
    assert gather({}) == {}


def test_a_table_of_labels_is_named_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert gather({"labels": "mine.csv"})["labels"] == str(tmp_path / "mine.csv")
    (tmp_path / "mine.toml").write_text('labels = "deep/mine.csv"\n')
    assert gather({}, config=Path("mine.toml"))["labels"] == str(tmp_path / "deep" / "mine.csv")
    for word in ("auto", "none", "folders"):
        assert gather({"labels": word})["labels"] == word


def test_an_unknown_name_is_told_with_where_it_stood(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"no preset 'dcgn'. Did you mean 'dcgan'"):
        gather({}, "dcgn")
    file = tmp_path / "mine.toml"
    file.write_text("gama = 1.0\n")
    with pytest.raises(UnknownName, match=rf"option 'gama' in '{file}'. Did you mean 'gamma'"):
        gather({}, config=file)
    with pytest.raises(UnknownName, match="option 'lrr' in the call"):
        gather({"lrr": 1.0})
    with pytest.raises(UsageError, match=r"--batch is 'many' in the notebook"):
        gather({"batch": "many"}, origin="the notebook")


def test_every_option_says_what_it_is() -> None:
    assert all(option.text.endswith(".") for option in TRAIN_OPTIONS)
    assert len({option.flag for option in TRAIN_OPTIONS}) == len(TRAIN_OPTIONS)
