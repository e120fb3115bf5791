# SPDX-License-Identifier: Apache-2.0
"""What `./dev demo` tells: short, complete, and every figure that is compared is equal."""

import os
import subprocess
import sys
from pathlib import Path

from conftest import ROOT


def test_the_story_is_told_to_its_end(tmp_path: Path) -> None:
    told = subprocess.run([sys.executable, ROOT / "demo" / "story.py"], capture_output=True, text=True, timeout=110, env={
        **os.environ, "PYTHONPATH": f"{ROOT / 'bench'}:{ROOT / 'tests'}", "LODE_DEMO_FOLDER": str(tmp_path / "demo")})
    assert told.returncode == 0, told.stderr
    assert len(told.stdout.splitlines()) <= 45
    assert "NOT" not in told.stdout and "something else" not in told.stdout
    assert "equal to the undisturbed run's" in told.stdout and "as it was before July" in told.stdout
