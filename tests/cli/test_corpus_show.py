from __future__ import annotations

import pytest


@pytest.fixture
def shown(write_jsonl, note):
    rows = [note(f"n{number}", f"Bo kom {number}", (0, 2, "NAME")) for number in range(5)]
    return write_jsonl("notes.jsonl", [*rows, note("other", "<b>Lund</b>", (3, 7, "PLACE"))])


def test_notes_are_shown_with_their_entities_and_the_rest_is_counted(deidsynth, shown) -> None:
    result = deidsynth("corpus", "show", shown)
    assert result.exit_code == 0, result.stderr
    assert "Bo[NAME] kom 2" in result.stdout
    assert "Bo[NAME] kom 3" not in result.stdout
    assert "and 3 more documents" in result.stdout


def test_documents_are_chosen_by_label_and_by_id(deidsynth, shown) -> None:
    assert "<b>Lund[PLACE]</b>" in deidsynth("corpus", "show", shown, "--label", "PLACE").stdout
    result = deidsynth("corpus", "show", shown, "--document", "n4")
    assert "Bo[NAME] kom 4" in result.stdout and "kom 0" not in result.stdout
    for option, value in (("--label", "DATE"), ("--document", "n9")):
        refused = deidsynth("corpus", "show", shown, option, value)
        assert refused.exit_code == 2 and option.removeprefix("--") in refused.stderr


def test_the_page_is_private_escaped_and_requests_nothing(deidsynth, shown, tmp_path) -> None:
    result = deidsynth("corpus", "show", shown, "--html", tmp_path / "notes.html")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    page = (tmp_path / "notes.html").read_text(encoding="utf-8")
    assert (tmp_path / "notes.html").stat().st_mode & 0o777 == 0o600
    assert page.count("<article>") == 6
    assert "&lt;b&gt;<mark" in page and "<b>" not in page
    assert "<script" not in page and "http:" not in page and "https:" not in page
    few = deidsynth("corpus", "show", shown, "--html", tmp_path / "notes.html", "--n-documents", "2")
    assert few.exit_code == 0
    assert "And 4 more" in (tmp_path / "notes.html").read_text(encoding="utf-8")


def test_the_page_is_not_written_to_a_folder(deidsynth, shown, tmp_path) -> None:
    assert deidsynth("corpus", "show", shown, "--html", tmp_path).exit_code == 2
