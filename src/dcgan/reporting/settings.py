"""Settings in words: each sentence appears when all the facts that it needs are there."""

import re
from collections.abc import Mapping
from typing import Any

from dcgan.settings.rules import explain
from dcgan.wording import last_name

_FITS = {
    "crop": "What does not fit the shape is cut off around the middle.",
    "pad": "What does not fill the shape gets a border.",
    "stretch": "Other shapes are distorted to fit.",
}
_PRIORS = {"normal": "standard normal", "uniform": "uniform between −1 and 1"}

SENTENCES = (
    "Images from {data.source}, each {data.height} × {data.width} pixels. {fit}",
    "{held_out}",
    "Two networks of {parameters} million parameters (generator and discriminator).",
    "Every image starts as {model.latent_size} random numbers, {prior}.",
    "The layers nearest to the image have {model.generator_width} channels in the generator, "
    "{model.discriminator_width} in the discriminator.",
    "Batches of {training.batch_size} images. Adam with learning rate {training.generator_learning_rate} (generator) "
    "and {training.discriminator_learning_rate} (discriminator), beta {training.beta1} and {training.beta2}.",
    "{schedule}",
    "{parts}",
    "{average}",
    "Budget {training.budget}, which makes {images} images.",
    "{labels}",
    "Trained on {machine}, {hardware.threads} threads, {hardware.precision}; every draw follows from seed {seed}.",
)


def describe(config: Mapping[str, Any], about: Mapping[str, Any]) -> list[str]:
    """Sentences on a run, from its flat config and the facts of its start."""
    facts = {key: f"{value:g}" if isinstance(value, float) else value for key, value in config.items()}
    facts |= _derived(config, about)
    if "data.source" in config:  # where data lies is nobody's business but its owner's
        facts["data.source"] = last_name(str(config["data.source"]))
    sentences = []
    for sentence in SENTENCES:
        names = re.findall(r"{([^}]+)}", sentence)
        if all(name in facts for name in names):
            sentences.append(re.sub(r"{([^}]+)}", lambda match: str(facts[match[1]]), sentence))
    reasons = config.get("reasons")
    return sentences + [f"Chosen {line}" for line in explain(config)] if isinstance(reasons, list) else sentences


def _derived(config: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, str]:
    facts = {}
    sizes = [about.get(f"{name}_parameters") for name in ("generator", "discriminator")]
    if all(isinstance(size, int) for size in sizes):
        facts["parameters"] = " and ".join(f"{size / 1e6:.2g}" for size in sizes if isinstance(size, int))
    if config.get("data.fit") in _FITS:
        facts["fit"] = _FITS[config["data.fit"]]
    if config.get("model.prior") in _PRIORS:
        facts["prior"] = _PRIORS[config["model.prior"]]
    if isinstance(images := config.get("training.images"), int):
        facts["images"] = f"{images:,}"
    learned, kept = about.get("train_images"), about.get("held_out_images")
    if isinstance(learned, int) and isinstance(kept, int):
        away = f"; {kept:,} others are kept away from it, to measure with." if kept else "; none are kept away from it."
        facts["held_out"] = f"It learns from {learned:,} images{away}"
    if config.get("data.labels") is True:
        facts["labels"] = "It learned the classes too, so that an image of a class can be asked for."
    if "hardware.device" in config:
        name = about.get("processor" if config["hardware.device"] == "cpu" else "accelerator")
        facts["machine"] = f"{config['hardware.device']} ({name})" if name else str(config["hardware.device"])
    if "training.batch_size" in config:
        facts["average"] = _average(config.get("training.average_half_life"), config.get("training.average_width"))
    facts |= {name: words for name, words in (("schedule", _schedule(config)), ("parts", _parts(config))) if words}
    return facts


def _schedule(config: Mapping[str, Any]) -> str:
    """How the learning rates change, if they do."""
    warmup, shape = config.get("training.learning_rate_warmup"), config.get("training.learning_rate_schedule")
    words = [f"rise over the first {warmup:,} images"] if warmup else []
    if shape in ("linear", "cosine"):
        share, final = config["training.learning_rate_decay"], config["training.learning_rate_final"]
        words.append(f"fall ({shape}) over the last {share:.0%} of the run to {final:.0%}")
    return f"The learning rates {' and '.join(words)}." if words else ""


def _parts(config: Mapping[str, Any]) -> str:
    """What else is switched on."""
    words = []
    if (shards := config.get("training.shards", 1)) > 1:
        words.append(f"Each batch is normalised in {shards} parts.")
    if (objective := config.get("training.objective", "bce")) != "bce":
        words.append(f"The objective is {objective.replace('_', ' ')}.")
    for name, images in (("real", "real"), ("fake", "generated")):
        if gamma := config.get(f"training.{name}_penalty"):
            words.append(f"A gradient penalty of {gamma:g} on {images} images.")
    if config.get("model.discriminator_bias"):
        words.append("A bias in the discriminator's first layer, so that it can tell contrast.")
    if config.get("model.spectral_norm"):
        words.append("Spectral normalisation in the discriminator.")
    if policies := config.get("training.augmentation"):
        words.append(f"Augmentation: {', '.join(policies)}, at strength {config['training.augmentation_strength']:g}.")
    if config.get("training.flip") == "on":
        words.append("Real images are shown left to right half of the time.")
    return " ".join(words)


def _average(half_life: object, width: object) -> str:
    if isinstance(width, float):
        return f"The result is a moving average of the generator, whose length grows with the run (width {width:g})."
    if isinstance(half_life, int):
        return f"The result is a moving average of the generator; what is {half_life:,} images old weighs half."
    return "No average: the last weights are the result."
