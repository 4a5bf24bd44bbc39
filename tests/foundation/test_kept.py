"""Arrays kept in files: given back as they were put, or not at all."""

import numpy as np
import pytest

from agent.foundation import kept as keeping
from agent.foundation.kept import Kept, texts_as_arrays, texts_of_arrays

ARRAYS = {
    "numbers": np.arange(5, dtype="int32"),
    "shares": np.array([0.5, np.nan]),
    "none": np.array([], dtype="uint64"),
}


def test_what_is_put_is_given_back(tmp_path):
    """Names, types and values, to another process as well; another key has nothing."""
    Kept(tmp_path / "kept").put("one", ARRAYS)
    found = Kept(tmp_path / "kept").get("one")
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    assert Kept(tmp_path / "kept").get("two") is None
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["one.npz"]


def test_a_file_of_objects_is_never_opened(tmp_path):
    """What could run code when it is read is not read."""
    np.savez(tmp_path / "one.npz", evil=np.array([{"a": 1}], dtype=object))
    assert Kept(tmp_path).get("one") is None


def test_a_seal_of_another_key_does_not_hold(tmp_path):
    """A file under another name is not taken for that."""
    Kept(tmp_path).put("one", ARRAYS)
    (tmp_path / "one.npz").rename(tmp_path / "two.npz")
    assert Kept(tmp_path).get("two") is None


def test_the_oldest_go(tmp_path, monkeypatch):
    """No more than so many files, and no more than so many bytes."""
    kept = Kept(tmp_path)
    for number in range(keeping.MOST_FILES + 3):
        kept.put(f"k{number}", ARRAYS)
    assert len(list(tmp_path.iterdir())) == keeping.MOST_FILES
    assert kept.get(f"k{keeping.MOST_FILES + 2}") is not None
    assert kept.get("k0") is None
    monkeypatch.setattr(keeping, "MOST_BYTES", 4000)
    kept.put("last", ARRAYS)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 4000
    assert kept.get("last") is not None
    kept.put("too large", {"numbers": np.zeros(4001, dtype="uint8")})
    assert kept.get("too large") is None


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path):
    """A file in its place: nothing is kept, nothing is raised."""
    (tmp_path / "kept").write_text("in the way")
    kept = Kept(tmp_path / "kept")
    kept.put("one", ARRAYS)
    assert kept.get("one") is None
    assert Kept().get("one") is None


def test_forgotten_is_gone(tmp_path):
    """No file stays."""
    kept = Kept(tmp_path)
    kept.put("one", ARRAYS)
    kept.clear()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("texts", [[], ["a"], ["", "ü", "名前", "a\x00b", ""], ["x" * 5000, "y"]])
def test_texts_come_back(texts):
    """Any letters, of any length."""
    assert texts_of_arrays(*texts_as_arrays(texts)) == texts
