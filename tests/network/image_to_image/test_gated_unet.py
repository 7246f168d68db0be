import torch

from ganvas.apply.guess import guessed
from ganvas.network.image_to_image.gated_unet import SHARE, GatedUnet
from ganvas.network.layers.detail import detail_of
from ganvas.network.layers.fill import smooth_fill
from ganvas.network.layers.gated import GatedResidual
from ganvas.network.layers.spread import spread_detail
from tests.network.architectures import perturbed


def test_dilations_are_those_of_the_coarsest_scale() -> None:
    network = GatedUnet(width=4, scales=3, dilations=(1, 2, 4, 8))
    found = [m.gated.features_and_gates.dilation[0] for m in network.modules() if isinstance(m, GatedResidual)]
    assert sorted(found) == [1, 1, 1, 1, 1, 2, 4, 8]
    at_bottom = network.body.bottom.modules()
    bottom = [m.gated.features_and_gates.dilation[0] for m in at_bottom if isinstance(m, GatedResidual)]
    assert bottom == [1, 2, 4, 8]


def test_the_picture_around_a_hole_reaches_its_middle() -> None:
    """A hole of 80 pixels: the painting in its middle depends on what is around it."""
    torch.manual_seed(0)
    network = perturbed(GatedUnet(width=4).double())
    mask = torch.zeros(1, 1, 128, 128, dtype=torch.float64)
    mask[..., 24:104, 24:104] = 1.0
    picture = torch.rand(1, 3, 128, 128, dtype=torch.float64, requires_grad=True)
    painting = network(torch.cat([picture * (1 - mask), mask], dim=1))
    (gradient,) = torch.autograd.grad(painting[..., 64, 64].sum(), picture)
    assert gradient.any()
    assert not (gradient * mask).any()


def test_it_learns_what_a_smooth_filling_misses() -> None:
    """The rows and columns of a grid are missing where they cross: a mean of what is around is far too dark."""
    torch.manual_seed(0)
    network = GatedUnet(width=8, scales=2, dilations=(1, 2))
    lines = torch.zeros(1, 1, 16, 16)
    lines[..., 7:9, :] = lines[..., :, 7:9] = 1.0
    pictures = lines * (torch.rand(8, 3, 1, 1) + 0.5)
    mask = torch.zeros(8, 1, 16, 16)
    mask[..., 5:11, 5:11] = 1.0
    given = torch.cat([pictures * (1 - mask), mask], dim=1)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = ((network(given) - pictures) * mask).square().sum() / mask.sum()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]


def test_the_last_plane_is_the_share_of_detail_that_is_spread_over_the_hole() -> None:
    network = GatedUnet(width=4).double()
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mask = torch.zeros(1, 1, 64, 64, dtype=torch.float64)
    mask[..., 20:30, 24:60] = 1.0
    with torch.no_grad():
        plain = network(torch.cat([picture, mask], dim=1))
        network.invention.fill_(1.0)
        painting = network(torch.cat([picture, mask], dim=1))
    filled = smooth_fill(picture, mask)
    torch.testing.assert_close(painting, filled + SHARE * spread_detail(detail_of(filled, mask), mask))
    assert ((painting - filled) * mask).std() > 0.02
    torch.testing.assert_close(plain, filled)


def test_a_plain_colour_comes_back_whatever_the_weights() -> None:
    torch.manual_seed(0)
    network = GatedUnet(width=4).double()
    perturbed(network).get_buffer("invention").fill_(1.0)
    mask = torch.zeros(1, 1, 128, 128, dtype=torch.float64)
    mask[..., 30:110, 20:90] = mask[..., 5:9, :] = 1.0
    plain = torch.tensor([0.9, -0.7, 0.2], dtype=torch.float64).view(1, 3, 1, 1).expand(1, 3, 128, 128)
    with torch.no_grad():
        painting = network(torch.cat([guessed(torch.where(mask.bool(), 0, plain), mask), mask], dim=1))
        other = network(torch.cat([plain + torch.rand(1, 3, 128, 128, dtype=torch.float64), mask], dim=1))
    torch.testing.assert_close(painting, plain)
    assert ((other - plain) * mask).std() > 0.1
