"""The service over real sockets: good requests get the bytes of dcgan sample, bad ones a plain refusal."""

import asyncio
import base64
import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from networks import generator
from patience import patient
from PIL import Image

from dcgan.commands.looks import encoded
from dcgan.commands.sharing_options import ServeOptions
from dcgan.errors import UserError
from dcgan.runs.generator import TrainedGenerator

pytest.importorskip("fastapi", reason="needs the extra [serve]")
pytest.importorskip("prometheus_client", reason="needs the extra [serve]")
pytest.importorskip("uvicorn", reason="needs the extra [serve]")

import uvicorn

from dcgan.interfaces import service_connections, service_guard
from dcgan.interfaces.service import application
from dcgan.interfaces.service_asked import parse_prompt
from dcgan.interfaces.service_connections import BoundedProtocol, fastest_protocol
from dcgan.interfaces.service_drawing import Busy, Metrics, Painter
from dcgan.interfaces.service_guard import is_host_allowed
from dcgan.interfaces.service_server import TOKEN_VARIABLE, is_loopback, named, token_of

TOKEN = "t" * 20


class Client:
    """Asks a server on this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, content, {"Content-Type": "application/json", **named})
            answer = connection.getresponse()
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()


def listening(app: Any, protocol: Any = None) -> Iterator[Client]:
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        http=protocol or fastest_protocol(),
        ws="none",
        lifespan="on",
        log_level="critical",
    )
    server, place = uvicorn.Server(config), config.bind_socket()
    place.listen()  # who asks before the server has started waits
    thread = threading.Thread(target=server.run, args=([place],))
    thread.start()
    try:
        client = Client(place.getsockname()[1])
        assert client.ask("GET", "/healthz")[0] == 200
        yield client
    finally:
        server.should_exit = True
        thread.join()
        place.close()


TRAINED = {"plain": generator(), "classes": generator(num_classes=3), "five": generator(channels=5)}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    yield from listening(application(TRAINED, page=b"<!doctype html>page"))


def file_of(trained: TrainedGenerator, seed: int, label: int | None = None) -> bytes:
    """What dcgan sample writes."""
    pixels = trained.sample([seed], None if label is None else [label])
    return encoded(pixels[0].permute(1, 2, 0).numpy())[".png"]


@pytest.mark.promise("A seed's image over HTTP is the bytes that dcgan sample writes, whoever asks at the same time.")
def test_a_seed_is_the_bytes_of_dcgan_sample_whoever_shares_its_batch(client: Client) -> None:
    seeds = [seed % 40 for seed in range(160)]
    expected = {seed: file_of(TRAINED["plain"], seed) for seed in set(seeds)}
    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(lambda seed: client.ask("GET", f"/images/{seed}.png"), seeds))
    for seed, (code, content, headers) in zip(seeds, answers, strict=True):
        assert (code, headers["content-type"]) == (200, "image/png") and content == expected[seed]
    batches = client.ask("GET", "/metrics")[1].decode()
    drawn = next(line for line in batches.splitlines() if line.startswith("dcgan_batch_images_count"))
    assert float(drawn.split()[1]) < 160  # some were drawn together


def test_a_browser_that_has_an_image_is_told_so_without_drawing(client: Client) -> None:
    _, _, headers = client.ask("GET", "/images/7.png")
    assert "immutable" in headers["cache-control"]
    assert client.ask("GET", "/images/7.png", If_None_Match=headers["etag"])[:2] == (304, b"")
    assert client.ask("GET", "/images/8.png", If_None_Match=headers["etag"])[0] == 200
    assert client.ask("GET", "/images/7.webp", If_None_Match=headers["etag"])[0] == 200


def test_runs_and_classes_are_asked_for_by_name(client: Client) -> None:
    code, content, _ = client.ask("GET", "/images/5.png?run=classes&label=class%202")
    assert code == 200 and content == file_of(TRAINED["classes"], 5, 2)
    assert client.ask("GET", "/images/5.png?run=nobody")[0] == 404
    assert client.ask("GET", "/images/5.png?run=classes&label=nobody")[0] == 404
    assert client.ask("GET", "/images/5.png?run=five")[0] == 406
    code, content, _ = client.ask("GET", "/images/5.npy?run=five")
    expected = TRAINED["five"].sample([5])[0].permute(1, 2, 0).numpy()
    assert code == 200 and np.array_equal(np.load(io.BytesIO(content)), expected)


def test_several_images_come_as_json_as_a_zip_and_on_a_sheet(client: Client) -> None:
    single = [client.ask("GET", f"/images/{seed}.png")[1] for seed in (3, 9)]
    code, content, _ = client.ask("POST", "/images", {"seeds": [3, 9]})
    assert code == 200 and [base64.b64decode(text) for text in json.loads(content)["images"]] == single
    code, content, _ = client.ask("POST", "/images", {"seeds": [3, 9], "answer": "zip"})
    with zipfile.ZipFile(io.BytesIO(content)) as made:
        assert {name: made.read(name) for name in made.namelist()} == {
            "seed_00003.png": single[0], "seed_00009.png": single[1],
        }  # fmt: skip
    _, content, headers = client.ask("POST", "/images", {"n": 4, "answer": "sheet"})
    with Image.open(io.BytesIO(content)) as sheet:
        assert headers["content-type"] == "image/png" and sheet.size == (34, 34)
    latents = TRAINED["plain"].latents([3]).tolist()
    code, content, _ = client.ask("POST", "/images", {"latents": latents})
    assert code == 200 and base64.b64decode(json.loads(content)["images"][0]) == single[0]


def test_an_open_inference_client_gets_the_pixels_of_its_latents(client: Client) -> None:
    described = json.loads(client.ask("GET", "/v2/models/classes")[1])
    assert [one["name"] for one in described["inputs"]] == ["latents", "labels"]
    latents = TRAINED["classes"].latents([5, 6])
    inputs = [
        {"name": "latents", "datatype": "FP32", "shape": [2, 12], "data": latents.tolist()},
        {"name": "labels", "datatype": "INT64", "shape": [2, 1], "data": [2, 0]},
    ]
    code, content, _ = client.ask("POST", "/v2/models/classes/infer", {"id": "a", "inputs": inputs})
    (output,) = json.loads(content)["outputs"]
    pixels = np.array(output["data"], dtype=np.uint8).reshape(output["shape"])
    assert code == 200 and output["datatype"] == "UINT8"
    assert np.array_equal(pixels, TRAINED["classes"].sample([5, 6], [2, 0]).permute(0, 2, 3, 1).numpy())


def test_an_openai_client_gets_the_seed_of_its_prompt(client: Client) -> None:
    code, content, _ = client.ask("POST", "/v1/images/generations", {"prompt": "Seed 7, please", "model": "x", "n": 2})
    data = json.loads(content)["data"]
    assert code == 200 and base64.b64decode(data[0]["b64_json"]) == file_of(TRAINED["plain"], 7)
    assert base64.b64decode(data[1]["b64_json"]) == file_of(TRAINED["plain"], 8)


def test_a_prompt_is_read_as_a_seed_and_a_class() -> None:
    assert parse_prompt("seed 7, class red cat") == (7, "red cat")
    assert parse_prompt("a cat") == parse_prompt("a cat") != parse_prompt("a dog")
    assert parse_prompt("seed 99999999999999999999")[0] < 2**53


def test_a_walk_goes_there_and_back(client: Client) -> None:
    code, content, headers = client.ask("GET", "/walk.gif?from=1&to=2&frames=5")
    with Image.open(io.BytesIO(content)) as film:
        assert (code, headers["content-type"], film.n_frames) == (200, "image/gif", 8)


def test_the_page_and_the_description_load_nothing(client: Client) -> None:
    assert client.ask("GET", "/")[1] == b"<!doctype html>page"
    text = client.ask("GET", "/docs")[1].decode()
    assert "GET /images/{seed}.{kind}" in text and "http://" not in text and "https://" not in text
    assert "/walk.gif" in json.loads(client.ask("GET", "/openapi.json")[1])["paths"]


def infer(shape: list[int], data: list) -> dict:
    """A request of the Open Inference Protocol."""
    return {"inputs": [{"name": "latents", "shape": shape, "datatype": "FP32", "data": data}]}


BAD = [
    ("GET", "/images/-1.png", None, 400), ("GET", "/images/9007199254740992.png", None, 400),
    ("GET", "/images/x.png", None, 400), ("GET", "/images/1.exe", None, 400),
    ("GET", "/images/%2e%2e%2fa.png", None, 404),
    ("GET", f"/images/{'9' * 4000}.png", None, 400), ("GET", "/../../etc/passwd", None, 404),
    ("GET", "/walk.gif?from=1&to=2&frames=1000000", None, 400), ("DELETE", "/images/1.png", None, 405),
    ("POST", "/images", {}, 400), ("POST", "/images", {"n": 65}, 400), ("POST", "/images", {"n": True}, 400),
    ("POST", "/images", {"n": "7"}, 400), ("POST", "/images", {"n": 1, "seeds": [1]}, 400),
    ("POST", "/images", {"seeds": []}, 400), ("POST", "/images", {"seeds": [-1]}, 400),
    ("POST", "/images", {"latents": [[0.0]]}, 400), ("POST", "/images", {"latents": [[1e30] * 12]}, 400),
    ("POST", "/images", b'{"latents": [[NaN]]}', 400), ("POST", "/images", b'{"n": 1e400}', 400),
    ("POST", "/images", b'{"n": ' + b"9" * 100_000 + b"}", 400), ("POST", "/images", b"[" * 100_000, 400),
    ("POST", "/images", b"\xff\xfe", 400), ("POST", "/images", b'{"label": "\\ud800", "n": 1}', 400),
    ("POST", "/images", b'{"\\ud800": 1}', 400), ("POST", "/images", b" " * 1_000_001, 413),
    ("POST", "/v2/models/plain/infer", infer([10**6, 12], []), 400),
    ("POST", "/v2/models/plain/infer", infer([1, 12], [None] * 12), 400),
    ("POST", "/v2/models/plain/infer", infer([1, 13], [0.0] * 13), 400),
    ("POST", "/v2/models/nobody/infer", infer([1, 12], [0.0] * 12), 404),
    ("POST", "/v1/images/generations", {"prompt": "x" * 5_000}, 400),
    ("POST", "/v1/images/generations", {"prompt": "x", "n": 11}, 400),
]  # fmt: skip


@pytest.mark.promise("The service refuses requests of impossible content or size with a plain answer, and goes on.")
def test_impossible_requests_are_refused_and_the_service_goes_on(
    client: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    for method, path, body, code in BAD:
        answered, content, _ = client.ask(method, path, body)
        assert answered == code, (method, path[:80], str(body)[:80], answered, content[:200])
        assert b"Traceback" not in content
    assert client.ask("GET", "/images/1.png")[1] == file_of(TRAINED["plain"], 1)
    assert "Traceback" not in "".join(capfd.readouterr())


def test_names_that_were_not_declared_and_other_sites_are_refused(client: Client) -> None:
    assert client.ask("GET", "/images/1.png", Host="evil.example")[0] == 403
    assert client.ask("GET", "/images/1.png", Sec_Fetch_Site="cross-site")[0] == 403
    assert client.ask("GET", "/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")[0] == 200
    _, _, headers = client.ask("GET", "/images/1.png", Origin="https://evil.example")
    assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost", True), ("localhost:80", True), ("127.0.0.1:8000", True), ("[::1]:80", True), ("LOCALHOST", True),
        ("192.168.1.7", True), ("a.localhost", True), ("mine.example:80", True), ("evil.example", False), ("", False),
        ("127.0.0.1.evil.example", False), ("localhost.evil.example", False), ("[evil]", False), ("[::1", False),
        ("mine.example.", False),
    ],
)  # fmt: skip
def test_addresses_localhost_and_declared_names_may_be_asked(host: str, allowed: bool) -> None:
    assert is_host_allowed([host], ["mine.example"]) is allowed


def test_a_request_with_two_hosts_or_none_is_refused() -> None:
    assert not is_host_allowed([], []) and not is_host_allowed(["localhost", "localhost"], [])


def test_a_token_is_asked_for_everywhere_but_at_the_probes() -> None:
    for client in listening(application({"plain": TRAINED["plain"]}, token=TOKEN)):
        for path in ("/images/1.png", "/", "/docs", "/openapi.json", "/metrics", "/v2/models/plain"):
            assert client.ask("GET", path)[0] == 401
            assert client.ask("GET", path, Authorization="Bearer wrong")[0] == 401
            assert client.ask("GET", path, Authorization=f"Bearer {TOKEN}")[0] == 200
        assert {client.ask("GET", path)[0] for path in ("/healthz", "/readyz", "/v2/health/live")} == {200}


def test_tokens_are_made_up_where_others_can_reach_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    assert token_of(ServeOptions(runs=("a",))) is None
    made = token_of(ServeOptions(runs=("a",), host="0.0.0.0"))
    assert made is not None and len(made) == 48 and made != token_of(ServeOptions(runs=("a",), host="0.0.0.0"))
    monkeypatch.setenv(TOKEN_VARIABLE, "short")
    with pytest.raises(UserError, match="at least 16"):
        token_of(ServeOptions(runs=("a",)))
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "host")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


def test_two_runs_of_one_name_are_refused_and_none_at_all() -> None:
    with pytest.raises(UserError, match="name a run"):
        named([])
    assert list(named(["a/one", "b/two", "hub:me/three@abc"])) == ["one", "two", "me/three"]
    with pytest.raises(UserError, match="another run"):
        named(["a/one", "b/one"])


def test_a_full_queue_refuses_at_once_and_draws_what_it_has() -> None:
    async def story() -> None:
        painter = Painter(TRAINED["plain"], Metrics(), most_waiting=4)
        waiting = asyncio.create_task(painter.draw([1, 2, 3]))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await painter.draw([4, 5])
        painter.start()
        assert np.array_equal(await waiting, TRAINED["plain"].sample([1, 2, 3]).permute(0, 2, 3, 1).numpy())
        assert len(await painter.draw([4, 5])) == 2
        await painter.stop()

    asyncio.run(story())


def test_a_full_queue_is_told_with_the_time_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcgan.interfaces.service.MOST_WAITING", 2)
    for client in listening(application({"plain": TRAINED["plain"]})):
        code, _, headers = client.ask("POST", "/images", {"n": 3})
        assert (code, headers["retry-after"]) == (429, "1")
        assert client.ask("GET", "/images/1.png")[0] == 200


@pytest.mark.parametrize("protocol", dict.fromkeys([BoundedProtocol, fastest_protocol()]))
def test_a_connection_that_sends_its_request_drop_by_drop_or_an_endless_head_is_closed(
    protocol: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_connections, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(service_guard, "BODY_SECONDS", 0.2)
    for client in listening(application({"plain": TRAINED["plain"]}), protocol):
        with socket.create_connection(("127.0.0.1", client.port), timeout=60) as endless:
            endless.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + 40_000 * b"x")
            assert endless.recv(1000).startswith(b"HTTP/1.1 4")
        with socket.create_connection(("127.0.0.1", client.port), timeout=60) as whole:
            many = b"".join(b"X%d: y\r\n" % index for index in range(3_000))
            whole.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + many + b"\r\n")
            assert whole.recv(1000).startswith(b"HTTP/1.1 4")
        with socket.create_connection(("127.0.0.1", client.port), timeout=60) as slow:
            slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            assert slow.recv(1000) == b""
        with socket.create_connection(("127.0.0.1", client.port), timeout=60) as slow:
            slow.sendall(b"POST /images HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
            assert slow.recv(1000).startswith(b"HTTP/1.1 408")
        assert client.ask("GET", "/images/1.png")[0] == 200


@pytest.mark.promise("After SIGTERM the service answers every request that it has accepted, then ends.")
def test_after_sigterm_what_was_accepted_is_answered(run: Path) -> None:
    words = [sys.executable, "-m", "dcgan", "serve", str(run), "--port", "0", "--threads", "1"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    try:
        assert process.stdout
        port = int(process.stdout.readline().partition("127.0.0.1:")[2].split()[0])
        client = Client(port)
        asked = threading.Barrier(9)

        def ask(seed: int) -> int:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("POST", "/images", json.dumps({"n": 16 + seed}), {"Content-Type": "application/json"})
            asked.wait()
            answer = connection.getresponse()
            whole = len(json.loads(answer.read())["images"]) if answer.status == 200 else 0
            connection.close()
            return whole - 16 - seed if answer.status == 200 else answer.status

        assert client.ask("GET", "/images/1.png")[0] == 200
        with ThreadPoolExecutor(8) as clients:
            answers = [clients.submit(ask, seed) for seed in range(8)]
            asked.wait()
            seen = client.ask("GET", "/healthz")[0]  # the loop has read what was sent before
            process.send_signal(signal.SIGTERM)
            assert seen == 200 and [answer.result() for answer in answers] == [0] * 8
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, err) == (143, "") and "Stopped" in out


def test_several_processes_answer_as_one_and_one_that_dies_is_replaced(run: Path) -> None:
    words = [sys.executable, "-m", "dcgan", "serve", str(run), "--port", "0", "--workers", "2", "--threads", "1"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    try:
        assert process.stdout
        client = Client(int(process.stdout.readline().partition("127.0.0.1:")[2].split()[0]))
        assert process.stdout.readline() == "2 processes are ready.\n"
        images = {client.ask("GET", "/images/5.png")[1] for _ in range(8)}
        assert len(images) == 1
        counted = client.ask("GET", "/metrics")[1].decode()
        assert 'dcgan_requests_total{code="200",route="/images/{seed}.{kind}"} 8.0' in counted
        children = psutil.Process(process.pid).children()
        children[0].kill()
        assert "another takes its place" in process.stdout.readline()
        assert {client.ask("GET", "/images/5.png")[1] for _ in range(8)} == images
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=patient(60))
    finally:
        for child in psutil.Process(process.pid).children() if process.poll() is None else []:
            child.kill()
        process.kill()
        process.wait()
    assert (process.returncode, err) == (143, "")
    assert not any(child.is_running() for child in children)


def test_a_run_that_cannot_be_served_is_told_before_anything_is_answered(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "dcgan", "serve", str(tmp_path), "--port", "0", "--workers", "2"]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, timeout=patient(60))
    assert ran.returncode == 2 and "no run with a checkpoint" in ran.stderr and ran.stderr.count("\n") == 1
