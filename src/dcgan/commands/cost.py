"""What a run will take: memory, disk and time."""

from dcgan.data.dataset import Dataset
from dcgan.settings.config import Config
from dcgan.training.memory import memory_of

PROGRAM_BYTES = 500_000_000  # Python, torch and its libraries
PICTURE_BYTES = 50_000_000  # grids, film, report


def space_of(config: Config, state_bytes: int) -> int:
    """Bytes on disk of a run: checkpoints, the kept ones, the anchors and one that is being written; pictures."""
    return state_bytes * (config.runs.keep + 2 + config.training.guard) + PICTURE_BYTES


def expected_cost(config: Config, dataset: Dataset) -> list[str]:
    """Memory, disk and time that a decided config will take, in words."""
    memory = memory_of(config)
    lines = [
        f"Memory: about {sum(memory) / 1e6:,.0f} MB, and {PROGRAM_BYTES / 1e6:,.0f} MB for the program itself.",
        f"Disk: about {space_of(config, memory.state) / 1e6:,.0f} MB for the run, "
        f"{dataset.pixels.nbytes / 1e6:,.0f} MB for the prepared images (there already).",
    ]
    speed = config.training.images_per_second
    if speed and config.training.images:
        minutes = config.training.images / speed / 60
        lines.append(f"Time: about {minutes:,.1f} min for {config.training.images:,} images at {speed:,.0f} a second.")
    return lines
