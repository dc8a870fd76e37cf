"""The config of a run on disk, as TOML: written before step 0, read by whoever goes on from it."""

import tomli_w

from dcgan.runs.folder import RunFolder
from dcgan.settings.config import MAX_TOML_BYTES, Config, read_toml, to_tables
from dcgan.settings.knobs import require
from dcgan.settings.recipes import complete


def as_toml(config: Config) -> str:
    """The whole config, as a file that ``--config`` takes.

    Raises:
        UserError: The source's name is not Unicode, which is all that TOML and a checkpoint can hold; or there is more
            text than would be read back.
    """
    text = tomli_w.dumps(to_tables(config))
    legible = text.encode(errors="replace") == text.encode(errors="surrogatepass")
    require(legible, "data.source", ascii(config.data.source), "is no Unicode; rename it, or set PYTHONUTF8=1")
    require(len(text.encode()) <= MAX_TOML_BYTES, "data.classes", f"{len(text):,} letters", "choose fewer of them")
    return text


def saved_config(run: RunFolder) -> Config:
    """The config of a run on disk, in which all is decided: what it does not know yet is as the defaults are."""
    saved = complete(read_toml(run.config) | {"undecided": ()})
    if saved.training.shuffle_window is None:  # begun before there was a choice: all images are mixed
        saved = saved.decided({"training.shuffle_window": 0})
    return saved
