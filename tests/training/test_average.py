import numpy as np
import torch
from torch import nn

from ganvas.training.average import averaged_copy, update_average_


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3), nn.Conv2d(3, 1, 1))


def test_the_average_is_the_recurrence_in_float64() -> None:
    ours, average = network(), averaged_copy(network())
    expected = {name: p.detach().double().numpy().copy() for name, p in average.named_parameters()}
    generator = torch.Generator().manual_seed(1)
    for decay in (0.0, 0.5, 0.9, 0.999, 0.2, 0.99):
        with torch.no_grad():
            for parameter in ours.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=generator))
        update_average_(average, ours, decay)
        for name, parameter in ours.named_parameters():
            expected[name] = decay * expected[name] + (1 - decay) * parameter.detach().double().numpy()
    for name, parameter in average.named_parameters():
        np.testing.assert_allclose(parameter.numpy(), expected[name], rtol=1e-5, atol=1e-6)


def test_decay_zero_is_a_copy_and_one_changes_nothing_to_the_bit() -> None:
    ours, average = network(), averaged_copy(network())
    before = [p.clone() for p in average.parameters()]
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.mul_(3.7).add_(0.1)
    update_average_(average, ours, 1.0)
    assert all(torch.equal(a, b) for a, b in zip(average.parameters(), before, strict=True))
    update_average_(average, ours, 0.0)
    assert all(torch.equal(a, b) for a, b in zip(average.parameters(), ours.parameters(), strict=True))


def test_batchnorm_buffers_are_copied_and_not_averaged() -> None:
    ours, average = network(), averaged_copy(network())
    for _ in range(3):
        ours(torch.randn(4, 2, 2, 2) * 5 + 2)
        update_average_(average, ours, 0.9)
    theirs = dict(ours.named_buffers())
    assert int(theirs["1.num_batches_tracked"]) == 3
    assert all(torch.equal(buffer, theirs[name]) for name, buffer in average.named_buffers())


def test_a_copy_is_frozen_in_eval_mode_and_shares_nothing() -> None:
    ours = network().train()
    average = averaged_copy(ours)
    assert ours.training
    assert not any(module.training for module in average.modules())
    assert not any(parameter.requires_grad for parameter in average.parameters())
    assert all(parameter.requires_grad for parameter in ours.parameters())
    with torch.no_grad():
        next(ours.parameters()).fill_(9)
    assert not (next(average.parameters()) == 9).any()
