"""What is refused as a plugin's archive; `tests/package` installs the right ones."""

from pathlib import Path

import pytest

from imagepull.errors import InvalidInput
from imagepull.install.archive import write_archives


def test_another_file_is_no_wheel_of_ours(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is no wheel of imagepull; give dist/imagepull-VERSION"):
        write_archives(tmp_path / "requests-2.0-py3-none-any.whl", tmp_path)
