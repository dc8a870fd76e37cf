"""Every file name of a comparison. The command ``compare`` writes them all, but for what is inside the runs."""

from dataclasses import dataclass
from pathlib import Path

from dcgan.runs.folder import RunFolder


@dataclass(frozen=True)
class ComparisonFolder:
    """Paths only. A key is a hash of all that decides a result, so whatever is there never has to be made again."""

    root: Path
    kept: Path | None = None
    """Where plans and results lie when they are to outlive the runs. None: beside them."""

    @property
    def report(self) -> Path:
        """Everything side by side in one HTML page."""
        return self.root / "comparison.html"

    @property
    def results(self) -> Path:
        """Every result of the last comparison, as JSON."""
        return self.root / "results.json"

    @property
    def categories(self) -> Path:
        """A row of images for each category, best first: the chapter's second exercise."""
        return self.root / "categories.png"

    def run(self, key: str) -> RunFolder:
        """One run, by training."""
        return RunFolder(self.root / "runs" / key)

    def config(self, key: str) -> Path:
        """The config that this run is started with."""
        return self.root / "runs" / f"{key}.toml"

    def result(self, key: str) -> Path:
        """What one run came to, as JSON."""
        return (self.kept or self.root) / "results" / f"{key}.json"

    def plan(self, key: str) -> Path:
        """What was decided for one variant before its first run, as JSON."""
        return self._decided("plan", key)

    def speed(self, key: str) -> Path:
        """Images a second of one variant, measured once, as JSON."""
        return self._decided("speed", key)

    def _decided(self, kind: str, key: str) -> Path:
        """In a folder of its kind; what a comparison of an earlier version decided stays where it is."""
        earlier = self.root / "results" / f"{kind}-{key}.json"
        return earlier if earlier.exists() else (self.kept or self.root) / f"{kind}s" / f"{key}.json"
