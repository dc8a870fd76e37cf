"""Films: images in order become an animated GIF, an MP4, or one sheet."""

import io
import shutil
import subprocess
from collections.abc import Sequence

import numpy as np
from PIL import Image

from dcgan.data.pixels import grid, png
from dcgan.errors import UserError
from dcgan.exploration.sheets import enlarged, scale_of, solid

SMALLEST = 256  # pixels of the shorter side
FRAMES_A_SECOND = 20
COLUMNS = 10
SUFFIXES = (".gif", ".mp4", ".png")


def film(pictures: np.ndarray, suffix: str) -> bytes:
    """n h w c → the bytes of a GIF that repeats for ever, of an MP4, or of a PNG with all of them row by row.

    Raises:
        UserError: Another suffix, or an MP4 where there is no ffmpeg.
    """
    frames = [solid(picture) for picture in pictures]
    if suffix == ".png":
        return png(grid(np.stack([np.asarray(frame) for frame in frames]), COLUMNS))
    frames = [enlarged(frame, scale_of(frame, SMALLEST)) for frame in frames]
    if suffix == ".gif":
        return _gif(frames)
    if suffix == ".mp4":
        return _mp4(frames)
    raise UserError(f"--out …{suffix}: must end in {', '.join(SUFFIXES)}.")


def _gif(frames: Sequence[Image.Image]) -> bytes:
    """One palette serves all frames, so that what stands still does not flicker."""
    sheet = np.concatenate([np.asarray(frame)[::4, ::4] for frame in frames])
    palette = Image.fromarray(sheet).quantize(256, method=Image.Quantize.MEDIANCUT)
    drawn = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    buffer = io.BytesIO()
    length = round(1000 / FRAMES_A_SECOND)
    drawn[0].save(
        buffer, format="GIF", save_all=True, append_images=drawn[1:], duration=length, loop=0, disposal=1, optimize=True
    )
    return buffer.getvalue()


def _mp4(frames: Sequence[Image.Image]) -> bytes:
    """Through ffmpeg, by pipes alone; sides become even, as the format demands."""
    program = shutil.which("ffmpeg")
    if program is None:
        raise UserError("--out ….mp4: needs the program ffmpeg, which is not installed here. A .gif needs nothing.")
    width, height = (side + side % 2 for side in frames[0].size)
    content = b"".join(np.asarray(frame.resize((width, height))).tobytes() for frame in frames)
    given = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(FRAMES_A_SECOND), "-i", "-"]
    wanted = ["-pix_fmt", "yuv420p", "-f", "mp4", "-movflags", "frag_keyframe+empty_moov", "-"]
    command = [program, "-v", "error", *given, *wanted]
    ran = subprocess.run(command, input=content, capture_output=True, check=False)
    if ran.returncode or not ran.stdout:
        reason = ran.stderr.decode(errors="replace").strip().splitlines()
        raise UserError(f"--out ….mp4: ffmpeg failed ({reason[-1] if reason else 'no output'}). Take .gif.")
    return ran.stdout
