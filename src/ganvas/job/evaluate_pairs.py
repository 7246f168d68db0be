"""``evaluate --pairs``: how near is each picture to the one it should be?"""

import csv
import io
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganvas.data.item import first_few
from ganvas.data.source import Source, open_source
from ganvas.device import choose_device
from ganvas.errors import DataError, UsageError
from ganvas.events import Looked, Report, Warned
from ganvas.files import make_folder, write_bytes
from ganvas.image.convert import to_channels
from ganvas.job.sample import model_file
from ganvas.job.subject import as_files, is_model, refuse_model_of_photographs
from ganvas.job.weights import get_network, network_name
from ganvas.metric.kernel import kid_score
from ganvas.metric.pairs.perceptual import distance_name, perceptual_distance
from ganvas.metric.pairs.psnr import psnr
from ganvas.metric.pairs.ssim import LEAST_MS_SSIM_PX, LEAST_SSIM_PX, ms_ssim, ssim
from ganvas.metric.pictures import FilePictures, Picture
from ganvas.metric.protocol import PROTOCOLS, prepare
from ganvas.metric.score import Score
from ganvas.metric.stamp import measurement
from ganvas.network.features import Loaded
from ganvas.tensors import Levels
from ganvas.training.run import slugify

FEWEST_FOR_KID = 20


@dataclass(frozen=True)
class PairReport:
    """Scores of pairs.

    Attributes:
        scores: Means over pairs with their standard errors.
        worst: By score, the mean of the worst tenth.
        each: By score, one number a pair; not a number where a pair is too small for it.
        names: The pairs.
        file: One line a pair, as CSV.
    """

    scores: tuple[Score, ...]
    worst: dict[str, float]
    each: dict[str, tuple[float, ...]]
    names: tuple[str, ...]
    file: Path

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        scores = [{**score.to_dict(), "worst_tenth": self.worst.get(score.name)} for score in self.scores]
        return {"pairs": len(self.names), "scores": scores, "file": str(self.file)}

    def csv(self) -> str:
        """One line a pair."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["name", *self.each])
        for row, name in enumerate(self.names):
            writer.writerow([name, *(f"{values[row]:.6g}" for values in self.each.values())])
        return text.getvalue()


def evaluate_pairs(
    outputs: Path,
    targets: Path,
    *,
    features: str = "auto",
    weights: Path | None = None,
    allow_download: bool = False,
    border_px: int = 0,
    out: Path = Path("evaluation"),
    device: str = "auto",
    report: Report = lambda event: None,
) -> PairReport:
    """Compare pictures of the same name: PSNR (RGB and luma), SSIM, MS-SSIM, distance in a network's features.

    Args:
        outputs: The pictures to judge.
        targets: What they should be; a picture for each, of the same size.
        features: Name of the network in whose features to take distances, or ``auto``.
        weights: File of its weights, where they are not installed.
        allow_download: Fetch weights that are not there.
        border_px: Pixels left out on each side by PSNR and SSIM, as papers on super-resolution do.
        out: Folder for the CSV file.
        device: Where the network works.
        report: Told of long work.

    Raises:
        DataError: A picture has no partner or one of another size.
        FileError: A picture cannot be read.
        UsageError: There is no such network, or what is to be judged is a model.
    """
    if is_model(outputs):
        refuse_model_of_photographs(model_file(outputs))
        raise UsageError(
            f"--pairs compares pictures, but '{outputs}' is a run or a model; give the pictures it painted."
        )
    where = choose_device(device)
    network = get_network(network_name(features, weights, report), weights, allow_download, where, report)
    found, wanted = as_files(open_source(outputs)), as_files(open_source(targets))
    partners = _partners(found.source, wanted.source)
    perceptual = distance_name(network.name)
    better = {"psnr": "higher", "psnr-y": "higher", "ssim": "higher", "ms-ssim": "higher", perceptual: "lower"}
    each: dict[str, list[float]] = {name: [] for name in better}
    seen: tuple[list[Tensor], list[Tensor]] = ([], [])
    for row, partner in enumerate(partners):
        output, target = _same_size(found, row, wanted, partner)
        values: dict[str, float] = {
            "psnr": float(psnr(output, target, border_px=border_px)),
            "psnr-y": float(psnr(output, target, border_px=border_px, channel="y")),
            "ssim": _where_large(ssim, LEAST_SSIM_PX, output, target, border_px),
            "ms-ssim": _where_large(ms_ssim, LEAST_MS_SSIM_PX, output, target, border_px),
            perceptual: _perceptual(network, output, target, where),
        }
        for name, value in values.items():
            each[name].append(value)
        for side, picture in zip(seen, (output, target), strict=True):
            side.append(_features(network, picture, where))
        report(Looked("pairs", row + 1, len(partners)))
    scores = []
    for name, numbers in each.items():
        if np.isfinite(numbers).any():
            scores.append(_mean(name, np.array(numbers), better[name]))
        else:
            why = "equal, which makes it infinite" if np.isposinf(numbers).any() else "too small for it"
            report(Warned(f"There is no mean of '{name}': all pairs are {why}."))
    outputs_seen, targets_seen = torch.cat(seen[0]), torch.cat(seen[1])
    vary = all((features != features[0]).any() for features in (outputs_seen, targets_seen))
    if len(partners) >= FEWEST_FOR_KID and vary:
        scores.append(kid_score(outputs_seen, targets_seen, name=f"{network.name}-kd"))
    worst = {
        score.name: _worst_tenth(np.array(each[score.name]), better[score.name])
        for score in scores
        if score.name in each
    }
    make_folder(out, "choose another --out")
    kept = {name: tuple(values) for name, values in each.items()}
    told = measurement(found.key, wanted.key, network.sha256, border_px)
    file = out / f"{slugify(outputs.resolve().name)}-pairs-{network.name}-{told}.csv"
    done = PairReport(tuple(scores), worst, kept, found.source.names, file)
    write_bytes(done.file, done.csv().encode())
    return done


def _partners(outputs: Source, targets: Source) -> list[int]:
    """For each output the row of its target, by the name without its suffix."""
    wanted, keys = ([Path(name).with_suffix("").as_posix() for name in source.names] for source in (targets, outputs))
    rows = {key: row for row, key in enumerate(wanted)}
    twice = [key for key, count in Counter(wanted).items() if count > 1]
    if twice:
        raise DataError(
            f"'{targets.path}' has pictures that differ only in their suffix: {first_few(twice)}; keep one of each."
        )
    missing = [key for key in keys if key not in rows]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(keys)} pictures have no partner of the same name in '{targets.path}': "
            f"{first_few(missing)}; pairs are matched by path and name."
        )
    return [rows[key] for key in keys]


def _same_size(found: FilePictures, row: int, wanted: FilePictures, partner: int) -> tuple[Levels, Levels]:
    output, target = _colour(found.read(row)), _colour(wanted.read(partner))
    if output.shape != target.shape:
        sizes = [f"{picture.shape[2]}x{picture.shape[1]}" for picture in (output, target)]
        raise DataError(
            f"'{found.names[row]}' is {sizes[0]} pixels and its target {sizes[1]}; pairs must be of one size."
        )
    return output, target


def _colour(picture: Picture) -> Levels:
    levels: Levels = np.require(to_channels(picture, 3)[None], requirements=["C", "W"])  # torch shares no mapped file
    return levels


def _where_large(
    measure: Callable[..., Tensor], least_px: int, output: Levels, target: Levels, border_px: int
) -> float:
    if min(output.shape[1:3]) - 2 * border_px < least_px:
        return math.nan
    return float(measure(output, target, border_px=border_px))


@torch.inference_mode()
def _perceptual(network: Loaded, output: Levels, target: Levels, device: torch.device) -> float:
    """At the pictures' own size: no resize hides what was lost."""
    images = []
    for levels in (output, target):
        pixels = torch.from_numpy(levels).permute(0, 3, 1, 2).float()
        offset, scale = (torch.tensor(each).view(3, 1, 1) for each in (network.offset, network.scale))
        images.append(((pixels - offset) / scale).to(device))
    return float(perceptual_distance(images[0], images[1], network.network.stages))


@torch.inference_mode()
def _features(network: Loaded, picture: Levels, device: torch.device) -> Tensor:
    image = prepare(picture, network.side_px, PROTOCOLS["ganvas"], network.offset, network.scale)
    return network.network(image.to(device)).features.float().cpu()


def _mean(name: str, values: NDArray[np.float64], better: str) -> Score:
    known = values[np.isfinite(values)]
    note = ""
    if np.isposinf(values).any():
        note = f"{int(np.isposinf(values).sum())} pairs are equal and left out of the mean."
    elif len(known) < len(values):
        note = f"{len(values) - len(known)} pairs are too small for it and left out."
    error = float(known.std(ddof=1) / math.sqrt(len(known))) if len(known) > 1 else None
    return Score(name, float(known.mean()), error, None, better, note)


def _worst_tenth(values: NDArray[np.float64], better: str) -> float:
    known = np.sort(values[np.isfinite(values)])
    count = max(1, len(known) // 10)
    return float((known[:count] if better == "higher" else known[-count:]).mean())
