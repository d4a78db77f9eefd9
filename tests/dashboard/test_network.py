"""Nothing is sent out, and nobody is let in who was not asked: by a server as a person starts it."""

import http.client
import os
import re
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 120.0  # seconds; a test machine may be busy

# Every connection and every look-up of a name is written down, and refused; only Streamlit's own machinery, which
# looks up the name of the address it listens on, may ask for 127.0.0.1.
WATCHED = """
import sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request"):
        if "127.0.0.1" not in map(str, arguments):
            print("OUT", event, arguments, flush=True)
            raise OSError("nothing goes out")

sys.addaudithook(watch)
"""
# A step of learning and one of inversion, and the page.
DEMO = """
from streamlit.testing.v1 import AppTest
from cl_core import experiment
from cl_core.commands.kills import TINY, drained
from cl_core.config import Config

node = experiment.start(Config().override(TINY))
for verb in ("learn", "invert"):
    node = drained(experiment.grow(node, verb, Config().override(TINY)))
page = AppTest.from_file("dashboard/app.py", default_timeout=120).run().run()
assert not page.exception
print("DRAWN", len(page.get("plotly_chart")), node.tasks_learned)
"""
SERVER = """
from streamlit.web.cli import main
main(["run", "dashboard/app.py", "--server.port", sys.argv[1], "--server.headless", "true"])
"""


def environment(folder: Path) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": str(folder), "INVERSION_LAB_STORE": str(folder / "store")}


@dataclass(frozen=True)
class Server:
    port: int
    process: int
    log: Path

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None):
        """The answer, read to its end."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        line.request(method, path, body, headers or {})
        answer = line.getresponse()
        answer.read()
        line.close()
        return answer

    def knock(self, site: str = "127.0.0.1", called: str = "127.0.0.1"):
        """A web socket for a page of a site, which calls this server by some name."""
        address = f"ws://{called}:{self.port}/_stcore/stream"
        origin = f"http://{site}:{self.port}"
        line = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        return connect(address, sock=line, origin=origin, max_size=None, open_timeout=PATIENCE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app, served, with what goes out of it written to its log."""
    folder = tmp_path_factory.mktemp("network")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", WATCHED + SERVER, str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(folder), stdout=log, stderr=log)
    try:
        limit = time.monotonic() + PATIENCE
        while b"http://" not in (folder / "log").read_bytes():
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < limit
            time.sleep(0.05)
        yield Server(port, process.pid, folder / "log")
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def told(server: Server) -> Iterator[ForwardMsg]:
    """What the server says first to a page of its own, which is drawn to its end and stays open."""
    with server.knock() as page:
        wish = BackMsg()
        wish.rerun_script.query_string = ""
        page.send(wish.SerializeToString())
        messages = []
        while not messages or messages[-1].WhichOneof("type") != "script_finished":
            messages.append(ForwardMsg.FromString(page.recv(PATIENCE)))
        yield next(message for message in messages if message.WhichOneof("type") == "new_session")


def test_the_demo_opens_no_connection(tmp_path: Path):
    command = [sys.executable, "-c", WATCHED + DEMO]
    done = subprocess.run(command, cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, timeout=300)
    assert "OUT" not in done.stdout, done.stdout
    assert done.returncode == 0, done.stderr[-2000:]
    drawn, learned = done.stdout.split("DRAWN")[1].split()
    assert int(drawn) > 1
    assert int(learned) == 1


@pytest.mark.skipif(not Path("/proc/self/net/tcp6").is_file(), reason="sockets are looked up in Linux's /proc")
def test_the_server_listens_to_this_computer_alone(server: Server):
    own = {os.readlink(file) for file in Path(f"/proc/{server.process}/fd").iterdir() if file.is_symlink()}
    listening = []
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/{server.process}/net/{table}").read_text().splitlines()[1:]:
            local, state, inode = (row.split()[i] for i in (1, 3, 9))
            if state == "0A" and f"socket:[{inode}]" in own:
                listening.append(local)
    assert listening == [f"0100007F:{server.port:04X}"]  # 127.0.0.1


def test_no_other_site_gets_a_web_socket(server: Server, told: ForwardMsg):
    """Neither one of another name, nor one that has given its own name to this computer's address."""
    for called in ("127.0.0.1", "other.example"):
        with pytest.raises(InvalidStatus) as refused:
            server.knock("other.example", called).close()
        assert refused.value.response.status_code == 403
    assert "OUT" not in server.log.read_text()
    answer = server.ask("GET", "/_stcore/host-config", {"Origin": "http://other.example"})
    assert answer.getheader("Access-Control-Allow-Origin") in (None, f"http://127.0.0.1:{server.port}")


def test_an_upload_needs_the_page_s_token_and_has_a_limit(server: Server, told: ForwardMsg):
    place = f"/_stcore/upload_file/{told.new_session.initialize.session_id}/a-file"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    body = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n123\r\n--x--\r\n'
    assert server.ask("PUT", place, kind, body).status == 403
    cookie = server.ask("GET", "/_stcore/health").getheader("Set-Cookie")
    found = re.search(r"_streamlit_xsrf=([^;]+)", cookie or "")
    assert found
    ours = kind | {"Cookie": found[0], "X-Xsrftoken": found[1]}
    assert server.ask("PUT", place, ours, body).status == 204
    assert server.ask("PUT", place, ours | {"Content-Length": str(201 * 2**20)}, b"").status == 413


def test_no_statistics_are_collected(told: ForwardMsg):
    assert told.new_session.config.gather_usage_stats is False


def test_a_page_does_not_show_where_in_the_program_an_error_came_from():
    config = tomllib.loads((ROOT / "dashboard" / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["client"]["showErrorDetails"] == "type"


def test_a_server_that_was_visited_has_called_nobody(server: Server, told: ForwardMsg):
    assert "OUT" not in server.log.read_text()
