"""A run as one HTML file that needs nothing but a browser."""

from pathlib import Path

from dcgan.files import write_atomically
from dcgan.reporting.gallery import hang
from dcgan.reporting.page import render
from dcgan.reporting.story import read_story
from dcgan.runs.folder import RunFolder


def write_report(run: RunFolder) -> Path:
    """Write ``report.html``: at most 5 MB whatever the run, whole or not at all. Parts without data are left out.

    Raises:
        UserError: The file cannot be written.
    """
    write_atomically(run.report, render(run, read_story(run), hang(run)).encode())
    return run.report
