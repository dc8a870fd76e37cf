"""``dcgan play``: the page, served to this machine alone."""

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import CHROMIUM
from PIL import Image

import dcgan
from dcgan.commands.options import PlayOptions
from dcgan.commands.playing import Saver
from dcgan.errors import UserError
from dcgan.interfaces.player import LONGEST_REQUEST, Player


@pytest.fixture
def player(run: Path, tmp_path: Path) -> Iterator[Player]:
    with Player(Saver(PlayOptions(run=str(run), out=str(tmp_path / "played"))), 0) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def ask(player: Player, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", player.port, timeout=30)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def saved(player: Player, content: Any) -> tuple[int, dict[str, Any]]:
    status, answer = ask(player, "POST", "/save", json.dumps(content).encode(), X_Dcgan=player.token)
    return status, json.loads(answer)


def test_the_page_is_served_and_may_ask_this_server_alone(player: Player) -> None:
    status, content = ask(player, "GET", "/")
    assert status == 200
    assert b"connect-src 'self'" in content
    assert ask(player, "GET", "/../etc/passwd")[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", ""])
@pytest.mark.promise("The page of dcgan play answers no other name than that of this machine.")
def test_another_name_of_the_host_is_refused(player: Player, host: str) -> None:
    assert ask(player, "GET", "/", Host=host)[0] == 403
    assert ask(player, "POST", "/save", b"{}", Host=host, X_Dcgan=player.token)[0] == 403


def test_only_the_page_can_save(player: Player) -> None:
    assert ask(player, "POST", "/save", b"{}")[0] == 403
    assert ask(player, "POST", "/save", b"{}", X_Dcgan="wrong")[0] == 403
    assert not player.saver.folder.exists()


def test_what_is_saved_is_what_sample_draws(player: Player, run: Path) -> None:
    made = dcgan.load(run)
    latent = made.latents([7])[0].tolist()
    status, told = saved(player, {"images": [{"seed": "5", "latent": [], "label": 0}, {"latent": latent, "label": 0}]})
    assert status == 200
    assert told["names"][0] == "seed_00005.png"
    for name, seed in zip(told["names"], (5, 7), strict=True):
        expected = made.sample([seed])[0].permute(1, 2, 0).numpy()
        assert np.array_equal(np.array(Image.open(player.saver.folder / name)), expected)


@pytest.mark.parametrize(
    "content",
    [[], {}, {"images": []}, {"images": [1]}, {"images": [{}]}, {"images": [{"latent": [1.0]}]},
     {"images": [{"latent": [float("nan")] * 100}]}, {"images": [{"seed": "../../a"}]}, {"images": [{"seed": 5}]},
     {"images": [{"seed": "1"}] * 300}],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_a_reason(player: Player, content: Any) -> None:
    status, told = saved(player, content)
    assert status == 400
    assert told["error"]
    assert not player.saver.folder.exists()


def test_a_request_that_is_too_long_is_refused_before_it_is_read(player: Player) -> None:
    length = str(LONGEST_REQUEST + 1)
    assert ask(player, "POST", "/save", b"{}", X_Dcgan=player.token, Content_Length=length)[0] == 413
    assert ask(player, "POST", "/save", b"not json", X_Dcgan=player.token)[0] == 400


def test_a_port_that_is_taken_is_told(player: Player) -> None:
    with pytest.raises(UserError, match=f"--port {player.port}: cannot be had"):
        Player(player.saver, player.port)


def test_the_button_of_the_page_saves(player: Player) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(locale="en")
        page.goto(player.address)
        page.wait_for_selector("html[data-ready]")
        page.click("#to-folder")
        page.wait_for_selector("#said:text('seed_00000.png')")
        browser.close()
    assert (player.saver.folder / "seed_00000.png").exists()


def test_control_c_ends_it(run: Path, tmp_path: Path) -> None:
    words = ["play", str(run), "--no-browser", "--out", str(tmp_path / "played")]
    # Whoever starts the tests in the background may have Ctrl-C ignored.
    program = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    program += "from dcgan.interfaces.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert re.match(r"http://127\.0\.0\.1:\d+/ is the page of demo", process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=60)
        assert (process.returncode, complaint) == (0, "")
    finally:
        process.kill()
