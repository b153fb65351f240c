"""Files are whole or absent, whoever writes them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from nibabel.spatialimages import HeaderDataError

from gliofit.base.errors import InputError
from gliofit.base.files import check_writable, no_such_file, whole_file, write_json
from gliofit.base.nifti import load_volume, save_volume

ROOT = Path(__file__).parents[2]

WRITERS = re.compile(
    r"\.write_text\(|\.write_bytes\(|nib\.save\(|\.savefig\(|np\.savez|torch\.save\(|to_csv\([^i)]|json\.dump\("
)
"""Calls that write a file."""


def half_written(path: Path) -> None:
    with whole_file(path) as part:
        part.write_text(f"half {1 / 0}")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a/b.json"
    write_json(path, {"a": 1})
    before = path.read_text()
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    with pytest.raises(ZeroDivisionError):
        half_written(path)
    assert path.read_text() == before
    assert [p.name for p in path.parent.iterdir()] == ["b.json"]


def test_volumes_come_back_and_leave_nothing_beside_them(tmp_path):
    data = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    save_volume(tmp_path / "x/v.nii.gz", data, np.eye(4))
    np.testing.assert_array_equal(load_volume(tmp_path / "x/v.nii.gz").data, data)
    with pytest.raises(HeaderDataError):
        save_volume(tmp_path / "x/w.nii.gz", np.array(["text"]), np.eye(4))
    assert [p.name for p in (tmp_path / "x").iterdir()] == ["v.nii.gz"]


def test_what_is_no_file_is_told_apart(tmp_path):
    (tmp_path / "link.json").symlink_to("nothing.json")
    assert no_such_file(str(tmp_path / "none.json")) == "no such file"
    assert no_such_file(tmp_path) == "is a folder"
    assert no_such_file(tmp_path / "link.json") == "is a link to nothing.json, which is not there"
    with pytest.raises(InputError, match="is a folder"):
        load_volume(tmp_path)


def test_every_writer_of_the_package_writes_to_a_temporary_name():
    for path in [*(ROOT / "src/gliofit").rglob("*.py"), *(ROOT / "workflow/scripts").glob("*.py")]:
        text = path.read_text(encoding="utf-8")
        for call in WRITERS.finditer(text):
            line = text[text.rfind("\n", 0, call.start()) + 1 : text.find("\n", call.start())]
            # what goes into memory or into a temporary folder needs no name
            assert re.search(r"\bpart\b|\bfile\b|\bstream\b|\barchive\b", line), f"{path.name}: {line.strip()}"


def test_a_folder_that_takes_no_files_is_told(tmp_path):
    check_writable(tmp_path / "new" / "folder")
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match=r"file/logs: nothing can be written there \(Not a directory\)"):
        check_writable(tmp_path / "file" / "logs")
