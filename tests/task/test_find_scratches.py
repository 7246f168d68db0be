import pytest
import torch
from torch import Tensor, nn

from ganvas.damage.scratches import scratched_print
from ganvas.draw import Draw
from ganvas.objective.segmentation import cross_entropy, overlap_loss
from ganvas.task.find_scratches import FindScratches
from tests.task.scenes import scenes

CLEAN = scenes(8, 32, 32)
BATCH, DRAW = {"image": CLEAN}, Draw(0, 8)


class Says(nn.Module):
    """A network that answers with a plane it was told."""

    def __init__(self, logits: Tensor):
        super().__init__()
        self.logits = logits

    def forward(self, given: Tensor) -> Tensor:
        return self.logits[: len(given)]


TASK = FindScratches(nn.Identity)


def test_the_problem_is_a_scratched_print_and_where() -> None:
    problem = TASK.problem(BATCH, DRAW)
    scan, mask = scratched_print(CLEAN, DRAW)
    assert torch.equal(problem["picture"], scan)
    assert torch.equal(problem["mask"], mask)


def test_nobody_plays_against_it() -> None:
    players = TASK.players()
    assert (list(players.generators), players.critics) == (["generator"], {})
    assert TASK.rows(TASK.problem(BATCH, DRAW), {}) == ()
    (stage,) = TASK.stages
    assert (stage.generators, stage.critics, stage.share) == (True, False, 1.0)


def test_the_terms_compare_logits_with_the_mask() -> None:
    problem, painted = TASK.problem(BATCH, DRAW), {"logits": torch.randn(8, 1, 32, 32)}
    entropy, overlap = (term.fn(problem, painted, {}) for term in TASK.terms)
    torch.testing.assert_close(entropy, cross_entropy(painted["logits"], problem["mask"]))
    torch.testing.assert_close(overlap, overlap_loss(painted["logits"], problem["mask"]))


def test_precision_and_recall() -> None:
    mask = TASK.problem(BATCH, DRAW.named("problem"))["mask"]
    assert TASK.evaluate({"generator": Says(mask - 0.5)}, BATCH, DRAW) == {"precision": 1, "recall": 1, "f1": 1}
    every = TASK.evaluate({"generator": Says(torch.ones_like(mask))}, BATCH, DRAW)
    share = float(mask.mean())
    assert every == pytest.approx({"precision": share, "recall": 1, "f1": 2 * share / (1 + share)})
    assert TASK.evaluate({"generator": Says(-torch.ones_like(mask))}, BATCH, DRAW)["f1"] == 0


def test_the_preview_stacks_picture_guess_and_truth() -> None:
    logits = torch.randn(8, 1, 32, 32)
    shown = TASK.preview({"generator": Says(logits)}, BATCH, DRAW)
    problem = TASK.problem(BATCH, DRAW)
    assert torch.equal(shown[:, :, :32], problem["picture"])
    torch.testing.assert_close(shown[:, :1, 32:64], 2 * logits.sigmoid() - 1)
    assert torch.equal(shown[:, 2:, 64:], 2 * problem["mask"] - 1)
