import json
import re
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganvas.metric.compare import read_result
from ganvas.network.features import Loaded
from tests.cli.conftest import Ganvas, Said
from tests.data.pictures import encoded, noise, write_folder, write_npy
from tests.evaluations import mean_network, random_network, two_folders
from tests.runs import class_folder, files_below, picture, plain_folder

QUICK = ["--features", "random", "--groups", "3", "--device", "cpu"]
NAMES = ["fd", "kd", "precision", "recall", "density", "coverage", "diversity", "authenticity"]


def sentence_of(said: Said, code: int) -> str:
    """What is said of a failure: one sentence, no traceback, nothing on standard output."""
    assert (said.code, said.out) == (code, "")
    assert "Traceback" not in said.err
    *_, last = said.err.splitlines()
    assert last.startswith("error: ")
    return last.removeprefix("error: ")


def test_scores_as_a_table(ganvas: Ganvas, tmp_path: Path) -> None:
    reals, fakes = two_folders(tmp_path)
    said = ganvas("evaluate", fakes, "--data", reals, "--out", tmp_path / "out", *QUICK)
    assert (said.code, said.err) == (0, "")
    heading, *lines = said.out.splitlines()
    assert heading.split() == ["score", "value", "corrected", "floor", "better"]
    rows = [line for line in lines if re.match(r"random-[a-z]+ +\S", line)]
    assert [row.split()[0] for row in rows] == [f"random-{name}" for name in NAMES]
    assert re.fullmatch(r"random-fd +[\d.]+ ± [\d.]+ +-?[\d.]+ +[\d.]+ +lower", rows[0])
    assert any(line.startswith("random-fd: With 24 pictures for 240 features") for line in lines)
    assert "Fakes that are copies of reals: 0; that look like another one: 0; reals that do: 0." in lines
    (page,), (result,) = ((tmp_path / "out").glob(f"fakes-random-ganvas-24-*.{suffix}") for suffix in ("html", "json"))
    assert lines[-2:] == [f"Page:   {page}", f"Result: {result}"]
    assert page.is_file()
    assert [score.name for score in read_result(result).scores] == [f"random-{name}" for name in NAMES]


def test_one_json_object(ganvas: Ganvas, tmp_path: Path) -> None:
    """Whatever there is to warn of goes to standard error."""
    reals, _ = two_folders(tmp_path)
    fakes = write_folder(tmp_path / "jpg", {f"{row}.jpg": encoded(noise(row), "JPEG") for row in range(12)})
    said = ganvas("evaluate", fakes, "--data", reals, "--out", tmp_path / "out", *QUICK, "--json")
    assert said.code == 0
    assert said.out.count("\n") == 1
    told = json.loads(said.out)
    (tmp_path / "printed.json").write_text(said.out)
    assert read_result(tmp_path / "printed.json") == read_result(Path(told["file"]))
    assert told == json.loads(Path(told["file"]).read_bytes())
    (warning,) = told["warnings"]
    assert said.err == f"warning: {warning}\n"
    assert warning.startswith("The reals are PNG, the fakes JPEG")
    assert Path(told["page"]).is_file()


def test_a_run_alone_is_enough(ganvas: Ganvas, plain_run: Path, pictures: Path, tmp_path: Path) -> None:
    said = ganvas("evaluate", plain_run, "--count", 20, "--seed", 7, "--out", tmp_path, *QUICK, "--json")
    told = json.loads(said.out)
    assert (told["subject"], told["stamp"]["fake_count"], told["stamp"]["real_count"]) == (str(plain_run), 20, 60)
    assert told["stamp"]["seed"] == 7
    best = ganvas("evaluate", plain_run, "--count", 20, "--best", "--out", tmp_path, *QUICK, "--json")
    assert best.code == 0
    file = ganvas(
        "evaluate", plain_run / "model.safetensors", "--count", 20, "--seed", 7, "--out", tmp_path, *QUICK, "--json"
    )
    assert json.loads(file.out)["scores"] == told["scores"]


def test_without_any_weights_a_random_network_looks(
    ganvas: Ganvas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganvas.job.weights._path", lambda network: None)
    reals, fakes = two_folders(tmp_path, 12)
    said = ganvas("evaluate", fakes, "--data", reals, "--out", tmp_path / "out", "--groups", 2, "--json")
    assert said.code == 0
    assert json.loads(said.out)["stamp"]["network"] == "random"
    assert said.err.startswith("warning: No trained feature network is installed")
    assert json.loads(said.out)["warnings"] == [said.err.removeprefix("warning: ").rstrip("\n")]


@pytest.mark.parametrize("asked", [True, False])
def test_only_who_says_so_downloads(
    ganvas: Ganvas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    fetched: list[str] = []

    def download(file: Any) -> Path:
        fetched.append(file.network)
        return tmp_path / "weights"

    def load(name: str, **options: Any) -> Loaded:
        return random_network()

    monkeypatch.setenv("GANVAS_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr("ganvas.job.weights.download", download)
    reals, fakes = two_folders(tmp_path, 12)
    words = ["evaluate", fakes, "--data", reals, "--features", "inception-v3", "--groups", 2, "--out", tmp_path / "out"]
    if asked:
        monkeypatch.setattr("ganvas.job.weights.load_feature_network", load)
        said = ganvas(*words, "--allow-download", "--json")
        assert said.code == 0
        assert said.err.startswith("Downloading https://")
    else:
        assert "fetched by `ganvas evaluate --allow-download`" in sentence_of(ganvas(*words), 1)
    assert fetched == (["inception-v3"] if asked else [])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--count", "9"], "--count is 9, but it must be 10 or more."),
        (["--groups", "1"], "--groups is 1, but it must be 2 or more."),
        (["--batch", "0"], "--batch is 0, but it must be 1 or more."),
        (["--seed", "-1"], "--seed is -1, but it must be a whole number from 0 to 4294967295."),
        (["--seed", "9" * 30], "--seed is 999"),
        (["--seed", "x"], 'Invalid value for --seed: unable to convert "x" into int.'),
        (["--protocol", "tg"], 'Invalid value "tg"'),
        (["--features", "vgg"], 'Invalid value "vgg"'),
        (["--precision", "float16"], 'Invalid value "float16"'),
        (["--device", "abacus"], "--device is 'abacus', but this machine has:"),
        (["--weights", "x"], "The feature network 'random' is made from its seed and takes no weight file 'x'."),
        (["--features", "auto", "--weights", "x"], "--weights is 'x', but of which network? Name it with --features."),
        (["--features", "classifier"], "The feature network 'classifier' is one of your own; give its file with"),
        (["--best"], "--best is for runs and models, but"),
        (["--count", "50"], "--count 50 is for runs and models, but"),
        (["--labels", "none"], "--labels none is for runs and models, but"),
        (["--modes", "stars"], 'Invalid value "stars"'),
        (["--modes", "ring", "--pairs"], "--modes is 'ring' and --pairs is given too; choose one of them."),
        (["--modes", "stacked", "--count", "-1"], "--count is -1, but it must be 1 or more."),
        (["--pairs", "--border", "-1"], "A border of -1 px leaves nothing of pictures of 8 x 8 px; give one from 0 to"),
        (["--pairs", "--border", "4"], "A border of 4 px leaves nothing"),
    ],
)
def test_wrong_use(ganvas: Ganvas, tmp_path: Path, words: list[str], sentence: str) -> None:
    reals, fakes = two_folders(tmp_path, 12)
    before = files_below(tmp_path)
    given = [*QUICK[:2], *QUICK[4:]]
    if "--features" in words:
        given = given[2:]
    if "--device" in words:
        given = given[:-2]
    out = ["--out", tmp_path / "out"]
    if "--modes" in words and "--pairs" not in words:
        given, out = [], []  # they would be refused for themselves
    said = ganvas("evaluate", fakes, "--data", reals, *out, *given, *words, "--json")
    assert sentence_of(said, 2).startswith(sentence)
    assert files_below(tmp_path) == before


def test_what_needs_reals(ganvas: Ganvas, tmp_path: Path) -> None:
    _, fakes = two_folders(tmp_path, 12)
    said = ganvas("evaluate", fakes, "--modes", "stacked")
    assert sentence_of(said, 2).startswith("--modes is 'stacked' and --data is not given; it must hold labelled digits")
    said = ganvas("evaluate", fakes, "--pairs")
    assert sentence_of(said, 2).startswith("--pairs is given and --data is not; it must hold a target")
    assert "say with --data" in sentence_of(ganvas("evaluate", fakes, *QUICK), 1)


def planted(root: Path, what: str) -> Path:
    """Sets that nobody can score."""
    folder = root / "planted"
    if what == "nothing there":
        return folder
    if what == "empty":
        folder.mkdir()
        return folder
    if what == "text":
        return write_folder(folder, {"notes.txt": b"no picture"})
    if what == "all damaged":
        return write_folder(folder, {f"{row}.png": b"no picture" for row in range(12)})
    if what == "some damaged":
        return write_folder(plain_folder(folder, 14), {"003.png": picture(3)[:60]})
    if what == "one repeated":
        return write_folder(folder, {f"{row}.png": picture(0) for row in range(12)})
    return plain_folder(folder, int(what))


@pytest.mark.parametrize("side", ["fakes", "reals"])
@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("nothing there", "There is nothing at '{}'; check the path."),
        ("empty", "There are no pictures in '{}'; ganvas reads"),
        ("text", "There are no pictures in '{}', only other files (1 .txt); ganvas reads"),
        ("all damaged", "None of the 12 pictures in '{}' can be read."),
        ("some damaged", "1 of 14 pictures cannot be read ('003.png'); more than 5 % is too many"),
        ("one repeated", "All 12 {side} have the same features, as if one picture were repeated; give pictures that"),
        ("1", "'{}' has too few readable pictures to score (1); give 10 or more."),
        ("9", "'{}' has too few readable pictures to score (9); give 10 or more."),
    ],
)
def test_sets_that_cannot_be_scored(ganvas: Ganvas, tmp_path: Path, side: str, what: str, sentence: str) -> None:
    bad, good = planted(tmp_path, what), plain_folder(tmp_path / "good", 12)
    subject, data = (bad, good) if side == "fakes" else (good, bad)
    said = ganvas("evaluate", subject, "--data", data, "--out", tmp_path / "out", *QUICK, "--json")
    assert sentence_of(said, 1).startswith(sentence.format(bad, side=side))
    assert said.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_features_that_are_not_finite(ganvas: Ganvas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganvas.job.evaluate.get_network", lambda *words: mean_network(0.9))
    reals, fakes = two_folders(tmp_path, 12)
    (fakes / "005.png").write_bytes(encoded(np.full((8, 8, 3), 255, np.uint8)))
    said = ganvas("evaluate", fakes, "--data", reals, "--out", tmp_path / "out", *QUICK)
    assert sentence_of(said, 1) == (
        "The feature network gives no finite numbers for '005.png'; its weights may be damaged."
    )
    assert not (tmp_path / "out").exists()


def test_models_that_cannot_be_measured(ganvas: Ganvas, class_run: Path, tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"damaged")
    assert "x.safetensors" in sentence_of(ganvas("evaluate", tmp_path / "x.safetensors", *QUICK), 1)
    data = class_folder(tmp_path / "data", ("coat", "hat"))
    said = ganvas("evaluate", class_run, "--data", data, "--out", tmp_path / "out", *QUICK)
    assert "The reals have class labels (coat, hat), but the model was trained" in sentence_of(said, 1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["--modes", "ring", "--protocol", "tf"],
            "--protocol is tf, but it plays no part in --modes ring; leave it out.",
        ),
        (["--modes", "grid", "--data", "x"], "--data is x, but it plays no part in --modes grid; leave it out."),
        (["--modes", "stacked", "--out", "x"], "--out is x, but it plays no part in --modes stacked; leave it out."),
        (
            ["--modes", "stacked", "--features", "random"],
            "--features is random, but it plays no part in --modes stacked;",
        ),
        (["--pairs", "--protocol", "tf"], "--protocol is tf, but it plays no part in --pairs; leave it out."),
        (
            ["--modes", "ring", "--device", "cpu"],
            "--device is cpu, but it plays no part in --modes ring; leave it out.",
        ),
        (["--pairs", "--best"], "--best is given, but it plays no part in --pairs; leave it out."),
        (["--border", "4"], "--border is 4, but it plays no part in scores; leave it out."),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    ganvas: Ganvas, tmp_path: Path, words: list[str], sentence: str
) -> None:
    assert sentence_of(ganvas("evaluate", tmp_path, *words), 2).startswith(sentence)


def test_every_option_is_of_use_somewhere() -> None:
    from ganvas.cli.evaluate import TOLD, USED, evaluate

    assert set().union(*USED.values()) == set(signature(evaluate).parameters)
    assert set(USED) == set(TOLD)


def test_modes_of_points(ganvas: Ganvas, tmp_path: Path) -> None:
    """Three of eight modes, evenly."""
    angle = np.repeat([0, 1, 2], 20) * np.pi / 4
    path = write_npy(tmp_path / "x.npy", np.stack([np.cos(angle), np.sin(angle)], 1))
    said = ganvas("evaluate", path, "--modes", "ring")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "modes                     3 of 8",
        "KL(generated || uniform)  0.9808 nats; a perfect generator scores about 0.05833 by counting noise alone",
        "samples                   60",
        "within 3 deviations       100.0%",
    ]
    told = json.loads(ganvas("evaluate", path, "--modes", "ring", "--json").out)
    assert (told["modes"], told["of"], told["samples"], told["within"]) == (3, 8, 60, 1.0)
    assert told["kl"] == pytest.approx(np.log(8 / 3))
    nowhere = write_npy(tmp_path / "nowhere.npy", np.zeros((9, 2)))
    assert ganvas("evaluate", nowhere, "--modes", "ring").code == 0
    bad = write_npy(tmp_path / "bad.npy", np.zeros((9, 3)))
    assert "it must be numbers of shape (N, 2)" in sentence_of(ganvas("evaluate", bad, "--modes", "grid"), 1)


def test_modes_of_stacked_digits(ganvas: Ganvas, tmp_path: Path) -> None:
    """Ten flat shades are digits, too; those of 3, 5 and 9 in many pictures, one of 9, 9 and 0."""
    shades = 10 + 25 * np.arange(10)
    grain = np.random.default_rng(0).integers(0, 5, (200, 8, 8))
    labelled = (shades[np.arange(200) % 10][:, None, None] + grain).astype(np.uint8)
    files = {f"{row % 10}/{row:03d}.png": encoded(one[..., None]) for row, one in enumerate(labelled)}
    digits = write_folder(tmp_path / "digits", files)
    triples = np.array([[3, 5, 9]] * 11 + [[9, 9, 0]])
    pictures = np.broadcast_to(shades[triples][:, None, None], (12, 8, 8, 3)).astype(np.uint8)
    stacked = write_npy(tmp_path / "stacked.npy", pictures)
    said = ganvas("evaluate", stacked, "--data", digits, "--modes", "stacked")
    assert said.code == 0
    assert "Training a classifier on 180 digits." in said.err
    assert said.out.startswith("modes                     2 of 1000\n")
    told = ganvas("evaluate", stacked, "--data", digits, "--modes", "stacked", "--json")
    assert told.out.count("\n") == 1
    assert json.loads(told.out)["modes"] == 2
    assert "Training" not in told.err


def test_pairs(ganvas: Ganvas, tmp_path: Path) -> None:
    targets = {f"{row}.png": noise(row, 16, 16) // 2 + 60 for row in range(5)}
    a = write_folder(tmp_path / "a", {name: encoded((levels + 5).astype(np.uint8)) for name, levels in targets.items()})
    b = write_folder(tmp_path / "b", {name: encoded(levels.astype(np.uint8)) for name, levels in targets.items()})
    words = ["evaluate", a, "--data", b, "--pairs", *QUICK[:2], "--out", tmp_path / "out"]
    said = ganvas(*words)
    assert said.code == 0
    heading, psnr, *_, last = said.out.splitlines()
    assert heading.split() == ["score", "mean", "worst", "tenth", "better"]
    assert re.fullmatch(r"psnr +34\.15 ± \S+ +34\.15 +higher", psnr)
    (file,) = (tmp_path / "out").glob("a-pairs-random-*.csv")
    assert last == f"Each pair: {file}"
    assert said.err == "warning: There is no mean of 'ms-ssim': all pairs are too small for it.\n"
    told = ganvas(*words, "--json")
    assert told.out.count("\n") == 1
    found = json.loads(told.out)
    assert (found["pairs"], found["file"]) == (5, str(file))
    assert found["scores"][0]["value"] == pytest.approx(20 * np.log10(255 / 5))
    write_folder(a, {"extra.png": picture(0)})
    assert "have no partner of the same name" in sentence_of(ganvas(*words), 1)


def test_wrong_words(ganvas: Ganvas, tmp_path: Path) -> None:
    assert ganvas("evaluate").code == 2
    assert ganvas("evaluate", tmp_path, "--no-such-option").code == 2
    assert ganvas("evaluate", tmp_path, tmp_path).code == 2
