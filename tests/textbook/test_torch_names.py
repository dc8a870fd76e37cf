"""The names of the book's PyTorch tab: what they return, and where they mend the book."""

import hashlib
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import torch
from torch import nn

from dcgan.errors import UserError
from dcgan.textbook import hub
from dcgan.textbook import torch as d2l

mpl.use("Agg")


def test_all_six_slopes_of_the_chapters_figure_are_drawn_and_four_on_request() -> None:
    x = torch.arange(-2, 1, 0.1)
    slopes = [0, 0.2, 0.4, 0.6, 0.8, 1]
    curves = [d2l.numpy(nn.LeakyReLU(slope)(x)) for slope in slopes]
    d2l.plot(d2l.numpy(x), curves, "x", "y", slopes)
    axes = d2l.plt.gca()
    assert len(axes.lines) == 6
    assert len({(line.get_color(), line.get_linestyle()) for line in axes.lines}) == 6
    assert [text.get_text() for text in axes.get_legend().texts] == [str(slope) for slope in slopes]
    d2l.plot(d2l.numpy(x), curves, "x", "y", slopes, faithful=True)
    assert len(d2l.plt.gca().lines) == 4


def test_plot_draws_one_curve_and_curves_without_places() -> None:
    d2l.plot([0, 1, 2], [3, 4, 5])
    np.testing.assert_array_equal(d2l.plt.gca().lines[0].get_xydata(), [[0, 3], [1, 4], [2, 5]])
    d2l.plot([3, 4, 5])
    np.testing.assert_array_equal(d2l.plt.gca().lines[0].get_xydata(), [[0, 3], [1, 4], [2, 5]])
    d2l.plot([[0, 1], [0, 2]], [[3, 4], [5, 6]])
    np.testing.assert_array_equal(d2l.plt.gca().lines[1].get_xydata(), [[0, 5], [2, 6]])


def test_images_stand_in_rows_without_ticks_in_the_size_of_the_book() -> None:
    images = torch.rand(20, 6, 6, 3, requires_grad=True)
    axes = d2l.show_images(images, num_rows=4, num_cols=5, titles=[str(number) for number in range(20)])
    assert len(axes) == 20
    assert axes[0].figure.get_size_inches().tolist() == [7.5, 6.0]
    assert not axes[3].get_xaxis().get_visible()
    np.testing.assert_array_equal(axes[7].images[0].get_array(), images[7].detach().numpy())
    assert axes[7].get_title() == "7"


def test_an_animator_grows_both_curves_from_point_to_point() -> None:
    animator = d2l.Animator(xlabel="epoch", ylabel="loss", xlim=[1, 3], nrows=2, figsize=(5, 5), legend=["D", "G"])
    for epoch in (1, 2, 3):
        animator.add(epoch, (epoch * 10, epoch * 20))
    assert [list(line.get_ydata()) for line in animator.axes[0].lines] == [[10, 20, 30], [20, 40, 60]]
    assert animator.axes[0].get_xlim() == (1.0, 3.0)
    assert animator.axes[0].get_xlabel() == "epoch"
    assert len(animator.axes) == 2


def test_sums_and_times_add_up_and_tensors_with_gradients_are_no_trouble() -> None:
    sums = d2l.Accumulator(3)
    sums.add(torch.ones((), requires_grad=True), 2.5, 8)
    sums.add(torch.ones((), requires_grad=True), 0.5, 8)
    assert [sums[0], sums[1], sums[2]] == [2.0, 3.0, 16.0]
    sums.reset()
    assert sums[2] == 0.0
    timer = d2l.Timer()
    first = timer.stop()
    timer.start()
    second = timer.stop()
    assert timer.times == [first, second]
    assert timer.sum() == first + second == timer.cumsum()[-1]
    assert timer.avg() == (first + second) / 2


def test_both_turns_are_the_formulas_of_the_chapter_and_the_generators_gradient_stops_at_its_own_turn() -> None:
    torch.manual_seed(0)
    net_G, net_D = nn.Linear(2, 3).double(), nn.Linear(3, 1).double()
    loss = nn.BCEWithLogitsLoss(reduction="sum")
    X, Z = torch.randn(5, 3).double(), torch.randn(5, 2).double()
    trainer_D, trainer_G = (torch.optim.SGD(net.parameters(), lr=0.1) for net in (net_D, net_G))
    real, fake = net_D(X).detach(), net_D(net_G(Z)).detach()
    expected = (torch.log1p(torch.exp(-real)).sum() + torch.log1p(torch.exp(fake)).sum()) / 2
    before = [each.clone() for each in net_G.parameters()]
    loss_D = d2l.update_D(X, Z, net_D, net_G, loss, trainer_D)
    torch.testing.assert_close(loss_D, expected)
    assert all(torch.equal(old, new) for old, new in zip(before, net_G.parameters(), strict=True))
    fake = net_D(net_G(Z)).detach()
    loss_G = d2l.update_G(Z, net_D, net_G, loss, trainer_G)
    torch.testing.assert_close(loss_G, torch.log1p(torch.exp(-fake)).sum())
    assert not torch.equal(before[0], next(net_G.parameters()))


def test_scores_of_any_shape_will_do() -> None:
    for shape in ((-1,), (-1, 1, 1, 1)):
        net_D = nn.Sequential(nn.Linear(3, 1), nn.Flatten(0), nn.Unflatten(0, shape))
        loss = nn.BCEWithLogitsLoss(reduction="sum")
        trainer = torch.optim.SGD(net_D.parameters(), lr=0.1)
        assert d2l.update_D(torch.randn(4, 3), torch.randn(4, 3), net_D, nn.Identity(), loss, trainer).shape == ()


def test_the_data_of_the_sections_before_follow_their_formula() -> None:
    torch.manual_seed(0)
    X, y = d2l.synthetic_data(torch.tensor([2.0, -3.4]), 4.2, 2000)
    assert X.shape == (2000, 2)
    assert y.shape == (2000, 1)
    noise = y[:, 0] - (X @ torch.tensor([2.0, -3.4]) + 4.2)
    assert 0.009 < float(noise.std()) < 0.011
    batches = list(d2l.load_array((X, y), 600, is_train=False))
    assert [len(features) for features, _ in batches] == [600, 600, 600, 200]
    assert torch.equal(batches[1][1], y[600:1200])


def test_other_names_of_the_books_library_are_refused_by_name() -> None:
    with pytest.raises(AttributeError, match=r"d2l.torch.train_ch3: not part of this chapter"):
        d2l.train_ch3  # noqa: B018


class Handler(BaseHTTPRequestHandler):
    def __init__(self, content: bytes, *args: object) -> None:
        self.content = content
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def book_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a notebook; the book keeps its data beside it, in ../data."""
    (tmp_path / "chapter").mkdir()
    monkeypatch.chdir(tmp_path / "chapter")
    return tmp_path


def zipped(folder: Path, **members: bytes) -> bytes:
    path = folder / "made.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path.read_bytes()


@pytest.fixture
def address(book_folder: Path) -> Iterator[tuple[str, bytes]]:
    """Where a small archive can be fetched on this machine, and its content."""
    content = zipped(book_folder, **{"small/0/a.txt": b"one", "small/1/b.txt": b"two"})
    server = HTTPServer(("127.0.0.1", 0), partial(Handler, content))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/small.zip", content
    server.shutdown()
    thread.join()
    server.server_close()


def sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def test_a_named_file_is_fetched_checked_and_unpacked_once(
    address: tuple[str, bytes], book_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, content = address
    d2l.DATA_HUB["small"] = (url, sha1(content))
    data_dir = d2l.download_extract("small")
    assert data_dir == str(Path("..") / "data" / "small")
    unpacked = Path(data_dir) / "1" / "b.txt"
    assert unpacked.read_bytes() == b"two"
    before = unpacked.stat().st_mtime_ns
    monkeypatch.setattr(hub, "fetch_to", None)  # a second download would fail
    assert d2l.download_extract("small") == data_dir
    assert unpacked.stat().st_mtime_ns == before


@pytest.mark.promise("The chapter's download is checked by its hash after it arrived; another file is never unpacked.")
def test_a_file_that_is_not_the_published_one_is_refused_and_not_kept(
    address: tuple[str, bytes], book_folder: Path
) -> None:
    d2l.DATA_HUB["small"] = (address[0], sha1(b"another"))
    with pytest.raises(UserError, match="not the published file"):
        d2l.download_extract("small")
    assert not list(book_folder.glob("data/*"))


def test_a_wrong_file_in_its_place_is_named_and_left_alone(book_folder: Path) -> None:
    place = book_folder / "data" / "small.zip"
    place.parent.mkdir()
    place.write_bytes(b"mine")
    d2l.DATA_HUB["small"] = ("http://127.0.0.1:1/small.zip", sha1(b"another"))
    with pytest.raises(UserError, match="Move it away"):
        d2l.download("small")
    assert place.read_bytes() == b"mine"


def test_a_copy_on_this_machine_is_used_before_any_download(book_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (book_folder / "sets" / "small").mkdir(parents=True)
    zipped(book_folder, **{"small/0/a.txt": b"one"})
    (book_folder / "made.zip").rename(book_folder / "sets" / "small" / "small.zip")
    monkeypatch.setenv("DCGAN_DATASETS", str(book_folder / "sets"))
    d2l.DATA_HUB["small"] = ("http://127.0.0.1:1/small.zip", "0" * 40)
    assert Path(d2l.download_extract("small"), "0", "a.txt").read_bytes() == b"one"


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/outside.txt", "small/../../outside.txt", "..\\outside.txt"])
def test_nothing_is_unpacked_outside_of_the_folder(book_folder: Path, name: str) -> None:
    zipped(book_folder, **{"small/fine.txt": b"fine", name: b"bad"})
    with pytest.raises(UserError, match="leads outside of its folder; nothing was unpacked"):
        hub.extract(book_folder / "made.zip", book_folder / "data" / "deep")
    assert not (book_folder / "data").exists()


def test_names_and_addresses_that_cannot_be_are_explained(book_folder: Path) -> None:
    with pytest.raises(UserError, match="no such name in DATA_HUB"):
        d2l.download_extract("digimon")
    with pytest.raises(UserError, match="no SHA-1 hash was given"):
        d2l.download("http://127.0.0.1:1/some.zip")


def test_the_python_of_the_documentation_runs() -> None:
    import re

    page = (Path(__file__).parents[2] / "docs" / "chapter.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        exec(block, {})
