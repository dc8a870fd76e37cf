"""In place of ``dcgan train`` and ``dcgan evaluate``: no torch, a run folder of three lines, numbers by formula.

    fake_program.py train CONFIG.toml RUN        notes its start in RUN/../../starts; one line of journal each 64 images
    fake_program.py evaluate RUN                 prints the learning rate times 1000, plus the seed

A beta1 of 0.9 diverges halfway, 0.8 fails for another reason, 0.7 takes long unless it was stopped once.
"""

import json
import signal
import sys
import time
import tomllib
from pathlib import Path


def train(config_path: Path, run: Path) -> int:
    config = tomllib.loads(config_path.read_text())
    beta, images = config["training"]["beta1"], config["training"]["images"]
    with (run.parent.parent / "starts").open("a") as file:
        file.write(f"{run.name}\n")
    if beta == 0.8:
        print("dcgan: no space left in here.", file=sys.stderr)
        return 12
    again = run.exists()
    (run / "samples").mkdir(parents=True, exist_ok=True)
    (run / "config.toml").write_text(config_path.read_text())
    (run / "about.json").write_text('{"fingerprint": "images"}')
    if beta == 0.7 and not again:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        time.sleep(3600)  # until it is stopped
    seen = images // 2 if beta == 0.9 else images
    with (run / "journal.jsonl").open("a") as file:
        for step in range(64, seen + 1, 64):
            event = {"event": "step", "images_seen": step, "seconds": step / 100, "discriminator_loss": 1.0}
            file.write(json.dumps(event | {"generator_loss": float(config["seed"])}) + "\n")
    if beta == 0.9:
        print(f"dcgan: generator_loss is no longer a finite number after {seen} images; {run} has it.", file=sys.stderr)
        return 13
    return 0


def evaluate(run: Path) -> int:
    config = tomllib.loads((run / "config.toml").read_text())
    protocol = {
        "detector": "tiny", "num_samples": 1000, "reference": "/secret/sprites.zip", "fingerprint": "images",
        "split": "held out", "num_reference": 500, "resize": "none", "seconds": time.time() % 100,
    }  # fmt: skip
    value = 1000 * config["training"]["generator_learning_rate"] + config["seed"]
    common = {"interval": None, "protocol": protocol}
    print(json.dumps([
        {"name": "fd_tiny_1k", "value": value, "floor": 0.25, **common},
        {"name": "recall_tiny_1k", "value": 0.5, "floor": 0.75, **common},
    ]))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(train(*map(Path, sys.argv[2:])) if sys.argv[1] == "train" else evaluate(Path(sys.argv[2])))
