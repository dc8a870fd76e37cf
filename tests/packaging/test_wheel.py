"""What is released works where it is installed: wheel and sdist are built, and used outside this folder."""

import http.client
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from patience import patient

pytest.importorskip("build", reason="needs the package build")
pytest.importorskip("hatchling", reason="needs the package hatchling")

pytestmark = pytest.mark.long
ROOT = Path(__file__).parent.parent.parent
OTHER_PYTHONS = ("3.12", "3.13", "3.14")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with both; the wheel is made from the sdist alone."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=patient(300))
    return out


def installed(built: Path, folder: Path, python: Path | None = None) -> Path:
    """The programs of a fresh environment with the wheel in it; all other packages are borrowed from this one."""
    if python is None:
        venv.create(folder, symlinks=True)
    else:
        subprocess.run([str(python), "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = (folder / "lib").glob("python*/site-packages")
    borrowed = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "borrowed.pth").write_text("\n".join(borrowed) + "\n")
    (wheel,) = built.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(folder / "bin" / "python")]
    # The environment of the tests sees the package too: pip must not take that for done.
    command = [*pip, "install", "--quiet", "--no-deps", "--no-index", "--ignore-installed", str(wheel)]
    subprocess.run(command, check=True, capture_output=True, timeout=patient(120))
    return folder / "bin"


def clean() -> dict[str, str]:
    """The environment without what would lead back to this folder."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def test_the_wheel_trains_samples_exports_and_plays_elsewhere(built: Path, tmp_path: Path) -> None:
    programs = installed(built, tmp_path / "env")

    def dcgan(*words: str) -> str:
        command = [str(programs / "dcgan"), *words]
        ran = subprocess.run(
            command, cwd=tmp_path, env=clean(), capture_output=True, text=True, check=False, timeout=patient(300)
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    place = subprocess.run(
        [programs / "python", "-c", "import dcgan; print(dcgan.__file__)"],
        cwd=tmp_path, env=clean(), capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert Path(place.strip()).is_relative_to(tmp_path / "env")
    dcgan("train", "critters", "--size", "16", "--width", "4", "--limit", "64", "--budget", "64images", "--out", "run")
    dcgan("sample", "run", "--seeds", "0-3", "--out", "new")
    assert (tmp_path / "new" / "seed_00003.png").is_file()
    for words in (["numpy"], ["page", "--with-discriminator"], *([["onnx"], ["hub"]] if has_onnx() else [])):
        assert "Largest difference" in dcgan("export", "run", "--to", *words)
    program = subprocess.Popen(
        [programs / "dcgan", "play", "run", "--no-browser"],
        cwd=tmp_path, env=clean(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert program.stdout is not None
        port = int(program.stdout.readline().split(":")[2].partition("/")[0])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patient(60))
        connection.request("GET", "/")
        assert connection.getresponse().read().startswith(b"<!doctype html>")
        connection.close()
    finally:
        program.terminate()
        program.wait()
        program.stdout.close()


def has_onnx() -> bool:
    """Whether the extra is there."""
    try:
        import onnx
        import onnxruntime
    except ImportError:
        return False
    return bool(onnx and onnxruntime)


def test_the_wheel_holds_every_file_of_the_package_and_the_sdist_every_file_that_tests_need(built: Path) -> None:
    (wheel,), (source,) = built.glob("*.whl"), built.glob("*.tar.gz")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    assert {name.removeprefix("src/") for name in listed if name.startswith("src/dcgan/")} <= held
    assert {name.split("/")[0] for name in held} == {"dcgan", next(n.split("/")[0] for n in held if "dist-info" in n)}
    with tarfile.open(source) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert {name for name in listed if name and not name.startswith(".")} <= held


@pytest.mark.parametrize("version", OTHER_PYTHONS)
def test_other_pythons_compile_every_file_without_a_warning_and_show_help(
    version: str, built: Path, tmp_path: Path
) -> None:
    python = other_python(version)
    if python is None:
        pytest.skip(f"Python {version} is not installed")
    programs = installed(built, tmp_path / "env", python)
    package = next((tmp_path / "env" / "lib").glob("python*/site-packages/dcgan"))
    for command in (
        [programs / "python", "-W", "error", "-m", "compileall", "-q", "-f", package],
        [programs / "dcgan", "--help"],
        [programs / "dcgan", "--version"],
    ):
        ran = subprocess.run(command, cwd=tmp_path, env=clean(), capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def other_python(version: str) -> Path | None:
    """One that runs: what is found on the path may stand for a Python that is not chosen."""
    for found in (shutil.which(f"python{version}"), *Path.home().glob(f".pyenv/versions/{version}.*/bin/python")):
        if found and subprocess.run([found, "-c", ""], check=False, capture_output=True).returncode == 0:
            return Path(found)
    return None
