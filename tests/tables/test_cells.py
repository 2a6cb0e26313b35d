"""Bytes to rows: no row is swallowed, moved or cut short in silence."""

from __future__ import annotations

import gzip

import pytest

from brainage.errors import TableError
from brainage.tables import read_text_table


def write(path, text):
    path.write_bytes(text.encode())
    return path


def test_ditto_marks_swallow_no_rows(tmp_path):
    text = 'id\tarm\tnotes\n1\tCON\tlate\n2\tHRT\t"\n3\tCON\tok\n4\tHRT\t"\n5\tCON\tok\n'
    found = read_text_table(write(tmp_path / "a.tsv", text))
    assert found["id"].tolist() == list("12345")
    assert found["notes"].tolist() == ["late", '"', "ok", '"', "ok"]
    found = read_text_table(write(tmp_path / "a.csv", text.replace("\t", ",")))
    assert found["id"].tolist() == list("12345")


@pytest.mark.parametrize("mark", ["\t", ",", ";"])
def test_two_stray_marks_in_neighbouring_rows_swallow_neither(tmp_path, mark):
    text = 'id\tarm\tnotes\n1\tCON\t"\n2\tHRT\t"\n3\tCON\tok\n'.replace("\t", mark)
    assert read_text_table(write(tmp_path / "a.csv", text))["id"].tolist() == list("123")


def test_quoted_cells_hold_separators_quotes_and_line_breaks(tmp_path):
    text = 'id,arm,notes\n1,CON,"late, and ""ill"""\n2,HRT,"two\nlines"\n3,CON,ok\n'
    found = read_text_table(write(tmp_path / "a.csv", text))
    assert found["notes"].tolist() == ['late, and "ill"', "two lines", "ok"]
    assert found.index.tolist() == [2, 3, 5]


def test_a_mark_inside_a_cell_is_its_own_character(tmp_path):
    found = read_text_table(write(tmp_path / "a.tsv", 'id\tnotes\n1\t5" tall\n2\t"x" y\n'))
    assert found["notes"].tolist() == ['5" tall', '"x" y']


def test_an_open_quotation_that_breaks_a_row_is_refused_with_its_line(tmp_path):
    path = write(tmp_path / "a.csv", 'id,arm,notes\n1,CON,ok\n2,"HRT,ok\n3,CON,ok\n')
    found = read_text_table(path)
    assert found["arm"].tolist() == ["CON", '"HRT', "CON"]
    path = write(tmp_path / "b.csv", 'id,arm,notes\n1,CON,ok\n2,"HRT\n3,CON,ok\n')
    with pytest.raises(TableError, match=r"line 3: .*found 2. A quotation mark there"):
        read_text_table(path)


@pytest.mark.parametrize("row", ["2\tHRT", "2\tHRT\tok\tmore", "2"])
def test_a_row_of_fewer_or_more_cells_is_refused_with_its_line(tmp_path, row):
    path = write(tmp_path / "a.tsv", f"id\tarm\tnotes\n\n1\tCON\tok\n{row}\n")
    with pytest.raises(TableError, match=r"line 4: expected as many cells .* \(3\), found"):
        read_text_table(path)


@pytest.mark.parametrize("header", ["id\tarm\tarm", "id\tarm\t arm ", 'id\tarm\t"arm"'])
def test_a_header_that_stands_twice_is_refused(tmp_path, header):
    with pytest.raises(TableError, match="'arm' twice"):
        read_text_table(write(tmp_path / "a.tsv", f"{header}\n1\tCON\tHRT\n"))


def test_blank_rows_and_nameless_columns_are_left_out(tmp_path):
    found = read_text_table(write(tmp_path / "a.csv", "\ufeffid,age,,\n1,2,,\n,,,\n\n3,4,,\n"))
    assert found.to_dict("list") == {"id": ["1", "3"], "age": ["2", "4"]}
    assert found.index.tolist() == [2, 5]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_as_on_any_machine(tmp_path, end):
    path = write(tmp_path / "a.tsv", end.join(["id\tage", "1\t2", "3\t4"]))
    assert read_text_table(path)["age"].tolist() == ["2", "4"]


def test_a_gzip_that_is_cut_or_none_is_said(tmp_path):
    whole = gzip.compress(b"id\tage\n1\t2\n" * 100)
    (tmp_path / "a.tsv.gz").write_bytes(whole[:-9])
    (tmp_path / "b.tsv.gz").write_bytes(b"id\tage\n")
    for name in ("a.tsv.gz", "b.tsv.gz"):
        with pytest.raises(TableError, match=f"{name}: cannot be read"):
            read_text_table(tmp_path / name)


def test_text_of_two_bytes_a_letter_and_control_characters_are_refused(tmp_path):
    (tmp_path / "a.tsv").write_bytes("id\tage\n1\t2\n".encode("utf-16"))
    with pytest.raises(TableError, match="expected UTF-8"):
        read_text_table(tmp_path / "a.tsv")
    with pytest.raises(TableError, match=r"line 2: .* control character '\\x1b'"):
        read_text_table(write(tmp_path / "b.tsv", "id\tage\n\x1b[31m1\t2\n"))
