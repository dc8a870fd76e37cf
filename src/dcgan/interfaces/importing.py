"""``dcgan import``: networks that other programs trained become folders to sample from."""

from typing import TYPE_CHECKING

from dcgan.commands.chapter_options import ImportOptions, NewmuOptions
from dcgan.errors import ExitCode
from dcgan.interfaces.arguments import parse
from dcgan.wording import plain

if TYPE_CHECKING:
    from dcgan.commands.import_weights import Imported


def import_weights(words: list[str]) -> int:
    """``dcgan import``, and ``dcgan import newmu``."""
    done = _published(words[1:]) if words[:1] == ["newmu"] else _chapters(words)
    data, model = done.config.data, done.config.model
    print(
        f"{plain(done.folder)}: a generator of {data.height} x {data.width} images, {model.image_channels} channels, "
        f"width {model.generator_width}. New images: dcgan sample {plain(done.folder)}"
    )
    return ExitCode.OK


def _chapters(words: list[str]) -> "Imported":
    options = parse(ImportOptions, words, "dcgan import")
    from dcgan.commands.import_weights import import_weights as read

    return read(options)


def _published(words: list[str]) -> "Imported":
    options = parse(NewmuOptions, words, "dcgan import newmu")
    from dcgan.commands.import_published import import_published

    return import_published(options)
