"""The whole of a DCGAN on one page: two networks, two updates, ten pictures. Needs nothing but torch.

    python examples/whole_gan.py                       (under a minute on two free CPU cores)
    python examples/whole_gan.py --images 200000 --out longer --seed 1

The images are coloured discs and rings on white, drawn as they are needed. The folder ``--out`` gets real.png, which
shows some of them, and fake_<images seen>.png, always from the same 64 latents: fog, then blobs, then discs and rings
in clean colours. Do not wait for the losses to reach zero: what one network wins, the other one loses.

The networks are those of Radford, Metz, Chintala 2015 (arXiv 1511.06434), cut to 32 x 32 pixels and a quarter of the
width. Unlike theirs, batches are small and steps are large, and the pictures come from an average of the generator.
"""

import argparse
import copy
import math
import struct
import time
import zlib
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIZE, LATENT_SIZE, WIDTH, BATCH_SIZE = 32, 64, 32, 32


def draw_real(count: int) -> Tensor:
    """Discs and rings of any hue, place and size: what the generator has to find out without ever seeing one."""
    hue = torch.rand(count, 1, 1, 1) + torch.arange(3).reshape(3, 1, 1) / 3
    colour = torch.cos(2 * math.pi * hue)  # n 3 1 1, from -1 to 1
    centre = SIZE * (0.36 + 0.28 * torch.rand(count, 2, 1, 1))
    radius = SIZE * (0.18 + 0.16 * torch.rand(count, 1, 1, 1))
    hole = torch.where(torch.rand(count, 1, 1, 1) < 0.5, 0.6 * radius, -1.0)  # every other one is a disc
    pixel = torch.stack(torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")) + 0.5  # 2 h w
    distance = (pixel - centre).norm(dim=1, keepdim=True)  # n 1 h w
    inside = (radius - distance + 0.5).clamp(0, 1) * (distance - hole + 0.5).clamp(0, 1)  # edges one pixel soft
    return 1 + inside * (colour - 1)  # n 3 h w, white is 1


def up(before: int, after: int, stride: int = 2, padding: int = 1) -> nn.Sequential:
    """Twice the size. Normalising over the batch keeps the fakes from all becoming one image."""
    convolution = nn.ConvTranspose2d(before, after, 4, stride, padding, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU())


def down(before: int, after: int) -> nn.Sequential:
    """Half the size. The ReLU leaks, for the generator learns only from what comes back through it."""
    convolution = nn.Conv2d(before, after, 4, 2, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.LeakyReLU(0.2))


# fmt: off
def build_networks() -> tuple[nn.Sequential, nn.Sequential]:
    """A generator, which turns noise into an image, and its mirror, which turns an image into a score."""
    generator = nn.Sequential(                                # n  64  1  1   noise
        up(LATENT_SIZE, 4 * WIDTH, stride=1, padding=0),      # n 128  4  4
        up(4 * WIDTH, 2 * WIDTH),                             # n  64  8  8
        up(2 * WIDTH, WIDTH),                                 # n  32 16 16
        nn.ConvTranspose2d(WIDTH, 3, 4, 2, 1, bias=False),    # n   3 32 32
        nn.Tanh(),                                            # n   3 32 32   from -1 to 1, as the real ones
    )
    discriminator = nn.Sequential(                            # n   3 32 32
        nn.Conv2d(3, WIDTH, 4, 2, 1, bias=False),             # n  32 16 16   not normalised: it must see true colours
        nn.LeakyReLU(0.2),                                    # n  32 16 16
        down(WIDTH, 2 * WIDTH),                               # n  64  8  8
        down(2 * WIDTH, 4 * WIDTH),                           # n 128  4  4
        nn.Conv2d(4 * WIDTH, 1, 4, bias=False),               # n   1  1  1   the higher, the more real it looks
    )
    for module in (*generator.modules(), *discriminator.modules()):
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0, 0.02)           # the paper's start: small, so that nothing saturates
    return generator, discriminator
# fmt: on


def follow(average: nn.Module, network: nn.Module, decay: float = 0.99) -> None:
    """Move the average a hundredth of the way to the network: it leaves out the back and forth of the game."""
    for slow, fast in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        slow.copy_(fast.lerp(slow, decay) if slow.is_floating_point() else fast)


def save_grid(path: Path, images: Tensor, columns: int = 8) -> None:
    """Write a PNG: a signature, then chunks, each of them length, name, content, checksum."""
    rows = [torch.cat(row.unbind(), dim=2) for row in images.split(columns)]
    pixels = ((torch.cat(rows, dim=1) + 1) * 127.5).round().byte().permute(1, 2, 0)  # h w 3
    lines = b"".join(b"\0" + bytes(line) for line in pixels.flatten(1).tolist())  # the 0: this line is not filtered
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 2, 0, 0, 0)  # 8 bits each of red, green, blue
    png = b"\x89PNG\r\n\x1a\n"
    for name, content in (b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""):
        png += struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    path.write_bytes(png)


def train(num_images: int, out: Path) -> None:
    """Let the two networks teach each other, and take ten pictures on the way."""
    generator, discriminator = build_networks()
    average = copy.deepcopy(generator).eval()
    # Momentum of 0.5 instead of 0.9: what was right ten steps ago is wrong once the other network has moved.
    generator_adam = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
    discriminator_adam = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.5, 0.999))
    fixed_latents = torch.randn(64, LATENT_SIZE, 1, 1)
    num_steps, started = math.ceil(num_images / BATCH_SIZE), time.monotonic()
    for step in range(1, num_steps + 1):
        real = draw_real(BATCH_SIZE)
        fake = generator(torch.randn(BATCH_SIZE, LATENT_SIZE, 1, 1))

        # The discriminator's turn: real scores up, fake scores down. softplus(-s) = -log sigmoid(s) is the price of
        # calling s real, softplus(s) that of calling it fake. Detached, the fakes leave no gradient in the generator.
        real_loss, fake_loss = F.softplus(-discriminator(real)), F.softplus(discriminator(fake.detach()))
        discriminator_loss = (real_loss + fake_loss).mean() / 2
        discriminator_adam.zero_grad()
        discriminator_loss.backward()
        discriminator_adam.step()

        # The generator's turn: be called real. Its gradient comes back through the discriminator, which gets one as
        # well but does not use it: its next turn begins with zero_grad.
        generator_loss = F.softplus(-discriminator(fake)).mean()
        generator_adam.zero_grad()
        generator_loss.backward()
        generator_adam.step()
        follow(average, generator)

        if 10 * step // num_steps > 10 * (step - 1) // num_steps:
            seen, seconds = step * BATCH_SIZE, time.monotonic() - started
            losses = f"losses: discriminator {discriminator_loss.item():.3f}, generator {generator_loss.item():.3f}"
            print(f"{seen:7} images in {seconds:3.0f} s, {losses}")
            with torch.no_grad():
                save_grid(out / f"fake_{seen:07}.png", average(fixed_latents))


def main() -> None:
    """Read the command line, then train."""
    parser = argparse.ArgumentParser(description="Train a small DCGAN on coloured discs and rings.")
    parser.add_argument("--images", type=int, default=40_000, help="how many real images to learn from (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("whole_gan"), help="folder for the pictures (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="other seeds, other first weights and latents")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    save_grid(options.out / "real.png", draw_real(64))
    train(options.images, options.out)


if __name__ == "__main__":
    main()
