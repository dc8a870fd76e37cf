"""A stand-in for the model hub on this machine: the part of its HTTP interface that making, filling and reading needs.

Addresses and fields as in huggingface_hub's client; large files go by the basic transfer of Git LFS
(https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md).
"""

import base64
import hashlib
import json
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Repository:
    """Files by name, in one revision after the other."""

    def __init__(self, private: bool) -> None:
        self.private = private
        self.revisions: list[tuple[str, dict[str, bytes]]] = []


class Hub:
    """All that is known there, and every request that came."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.requests: list[tuple[str, str]] = []
        self.converted: dict[str, tuple[str, dict[str, bytes]]] = {}
        """Repository → the hub's own version of a data set, which is one revision of a branch."""
        self.address = ""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self, content: Any, code: int = 200, **headers: str) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_PUT(self) -> None:
        self.hub.requests.append(("PUT", self.path))
        content = self.body()
        self.hub.objects[self.path.rpartition("/")[2]] = content
        self.answer(b"")

    def do_POST(self) -> None:
        self.hub.requests.append(("POST", self.path))
        content, path = self.body(), self.path.partition("?")[0]
        if path == "/api/validate-yaml":
            card = json.loads(content)["content"]
            errors = [] if "\nlicense: " in card else [{"message": "no license"}]
            self.answer({"errors": errors, "warnings": []}, 400 if errors else 200)
        elif self.headers.get("Authorization") != "Bearer hf_test":
            self.answer({"error": "Unauthorized"}, 401)
        elif path == "/api/repos/create":
            asked = json.loads(content)
            name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
            hidden = bool(asked.get("private")) or asked.get("visibility") == "private"
            self.hub.repositories.setdefault(name, Repository(hidden))
            self.answer({"url": f"{self.hub.address}/{name}", "name": name, "id": name})
        elif "/preupload/" in path:
            names = [file["path"] for file in json.loads(content)["files"]]
            modes = {name: "lfs" if name.endswith((".safetensors", ".onnx")) else "regular" for name in names}
            files = [{"path": name, "uploadMode": mode, "shouldIgnore": False} for name, mode in modes.items()]
            self.answer({"files": files})
        elif path.endswith("/info/lfs/objects/batch"):
            objects = [
                {**one, "actions": {"upload": {"href": f"{self.hub.address}/store/{one['oid']}"}}}
                for one in json.loads(content)["objects"]
            ]
            self.answer({"transfer": "basic", "objects": objects})
        elif "/commit/" in path:
            self.commit("/".join(path.split("/")[3:5]), content)
        else:
            self.answer({"error": "not found"}, 404)

    def commit(self, name: str, content: bytes) -> None:
        files: dict[str, bytes] = {}
        for line in map(json.loads, content.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
                assert hashlib.sha256(files[value["path"]]).hexdigest() == value["oid"]
        repository = self.hub.repositories[name]
        before = repository.revisions[-1][1] if repository.revisions else {}
        sha = hashlib.sha1(content).hexdigest()
        repository.revisions.append((sha, before | files))
        address = f"{self.hub.address}/{name}/commit/{sha}"
        self.answer({"success": True, "commitOid": sha, "commitUrl": address, "hookOutput": ""})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.hub.requests.append((self.command, self.path))
        parts = self.path.partition("?")[0].strip("/").split("/")
        parts = parts[1:] if parts[0] == "datasets" else parts
        if parts[:2] == ["api", "datasets"] and parts[4:] == ["refs"]:
            known = ["refs/convert/parquet"] if "/".join(parts[2:4]) in self.hub.converted else []
            converts = [{"name": name, "ref": name, "targetCommit": ""} for name in known]
            self.answer({"branches": [], "tags": [], "converts": converts})
        elif parts[:2] in (["api", "models"], ["api", "datasets"]):
            revision = urllib.parse.unquote("/".join(parts[5:]) or "main")
            found = self.find("/".join(parts[2:4]), revision)
            if found and parts[1] == "datasets":
                sha, files = found
                siblings = [{"rfilename": name, "size": len(content)} for name, content in files.items()]
                self.answer({"id": "/".join(parts[2:4]), "sha": sha, "siblings": siblings})
            elif found:
                sha, files = found
                self.answer(
                    {"id": "/".join(parts[2:4]), "sha": sha, "siblings": [{"rfilename": name} for name in files]}
                )
        elif len(parts) > 4 and parts[2] == "resolve":
            found = self.find("/".join(parts[:2]), parts[3])
            if found and "/".join(parts[4:]) not in found[1]:
                self.answer({"error": "no entry"}, 404, X_Error_Code="EntryNotFound", X_Repo_Commit=found[0])
            elif found:
                content = found[1]["/".join(parts[4:])]
                digest = hashlib.sha256(content).hexdigest()
                self.answer(content, X_Repo_Commit=found[0], ETag=f'"{digest}"', Accept_Ranges="bytes")
        else:
            self.answer({"error": "not found"}, 404)

    def find(self, name: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """The revision, or an answer that there is none."""
        repository = self.hub.repositories.get(name)
        if repository is None or not repository.revisions:
            self.answer({"error": "Repository not found"}, 404, X_Error_Code="RepoNotFound")
            return None
        if revision == "main":
            return repository.revisions[-1]
        converted = self.hub.converted.get(name)
        if converted and revision in ("refs/convert/parquet", converted[0]):
            return converted
        found = next((one for one in repository.revisions if one[0] == revision), None)
        if found is None:
            self.answer({"error": "Revision not found"}, 404, X_Error_Code="RevisionNotFound")
        return found


@contextmanager
def serving() -> Iterator[Hub]:
    """The stand-in on a free port of this machine, until the block ends."""
    hub = Hub()
    handler = type("Bound", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
