"""Nothing is sent out, and nobody is let in who was not asked."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

# Run in a process of its own: every connection and every look-up of a name is written down, and refused.
DEMO = """
import sys
from pathlib import Path

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request"):
        print("OUT", event, arguments, flush=True)
        raise OSError("nothing goes out")

sys.addaudithook(watch)
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


def test_the_demo_opens_no_connection(tmp_path: Path):
    command = [sys.executable, "-c", DEMO]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "INVERSION_LAB_STORE": str(tmp_path / "store")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert "OUT" not in done.stdout, done.stdout
    assert done.returncode == 0, done.stderr[-2000:]
    drawn, learned = done.stdout.split("DRAWN")[1].split()
    assert int(drawn) > 1
    assert int(learned) == 1


def test_streamlit_is_told_to_stay_at_home():
    told = tomllib.loads((ROOT / "dashboard" / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert told["browser"]["gatherUsageStats"] is False
    assert told["server"]["address"] == "127.0.0.1"
    assert told["server"]["enableXsrfProtection"] is True
    assert told["server"]["enableCORS"] is True  # other sites are kept out
    assert 0 < told["server"]["maxUploadSize"] <= 200  # MB
    assert told["client"]["showErrorDetails"] != "full"
