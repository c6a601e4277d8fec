"""A reader such as `head` stops before the command has printed all."""

import os
import subprocess
import sys

CODE = "import sys; from imagepull.cli import main; sys.exit(main(['config', 'schema']))"


def test_a_reader_that_stops_reading_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run([sys.executable, "-c", CODE], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)

    assert (done.returncode, done.stderr) == (141, "")
