import gzip
import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_metalabel.datasets import load_entity_typing

VERDI = ["Verdi", "was", "born", "near", "Busseto", "."]
TRAIN = [
    {
        "tokens": VERDI,
        "mentions": [
            {"start": 0, "end": 1, "labels": ["/person/artist"]},
            {"start": 4, "end": 5, "labels": ["/location/city", "/location"]},
        ],
        "senid": 7,
        "fileid": "doc1",
    },
    {
        "tokens": ["He", "sang"],
        "mentions": [
            {"start": 0, "end": 1, "labels": ["/person"]},
            {"start": -1, "end": 1, "labels": ["/person"]},
            {"start": 0, "end": 3, "labels": ["/never/seen"]},
            {"start": 1, "end": 1, "labels": ["/person"]},
            {"start": 1, "end": 2, "labels": []},
            {"start": 0, "end": 1, "labels": ["/person"]},
        ],
        "senid": 8,
        "fileid": "doc1",
    },
]
TEST = [{"tokens": ["Rome"], "mentions": [{"start": 0, "end": 1, "labels": ["/location/city", "/other"]}], "senid": 0}]
NAMES = ["/location", "/location/city", "/other", "/person", "/person/artist"]
SINGLE = [
    {"tokens": VERDI, "start": 4, "end": 5, "labels": ["/location"], "split": "train", "doc": "a"},
    {"tokens": VERDI, "start": 0, "end": 1, "labels": ["/person/artist"], "split": "test", "doc": "a"},
    {"tokens": VERDI, "start": 4, "end": 5, "labels": ["/location"], "split": "train", "doc": "a"},
    {"tokens": VERDI, "start": 4, "end": 5, "labels": ["/location"], "split": "train", "doc": "b"},
    {"tokens": VERDI, "start": 4, "end": 5, "labels": ["/location"], "split": "dev", "doc": "a"},
]


def as_lines(objects):
    """Objects in JSON, one a line, and an empty line."""
    return ("\n".join(map(json.dumps, objects)) + "\n\n").encode()


def without(field, objects):
    """The objects without a field."""
    return [{name: value for name, value in each.items() if name != field} for each in objects]


@pytest.fixture
def folder(tmp_path):
    """Folder with both parts, one of them compressed."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "train.json").write_bytes(as_lines(TRAIN))
    (folder / "test.json.gz").write_bytes(gzip.compress(as_lines(TEST)))
    return folder


@pytest.fixture
def single(tmp_path):
    """Function from objects to a file of them."""

    def write(objects, name="mentions.json"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(as_lines(objects)) if name.endswith(".gz") else as_lines(objects))
        return path

    return write


def types_of(bunch):
    """Set of types of each mention."""
    return [set(bunch.target_names[row.indices]) for row in bunch.target]


def test_mentions_are_read_with_the_ancestors_of_their_types(folder):
    bunch = load_entity_typing(folder)

    assert bunch.data == [
        {"tokens": VERDI, "start": 0, "end": 1},
        {"tokens": VERDI, "start": 4, "end": 5},
        {"tokens": ["He", "sang"], "start": 0, "end": 1},
    ]
    assert types_of(bunch) == [{"/person", "/person/artist"}, {"/location", "/location/city"}, {"/person"}]
    assert bunch.target.dtype == np.int8
    assert bunch.parents.tolist() == [-1, 0, -1, -1, 3]
    assert bunch.sentence_ids.tolist() == [7, 7, 8]
    assert bunch.document_ids.tolist() == ["doc1"] * 3
    assert bunch.split.tolist() == ["train"] * 3
    assert bunch.frame is None


def test_unusable_mentions_and_duplicates_are_dropped_and_counted(folder):
    bunch = load_entity_typing(folder)

    assert bunch.n_dropped == 5
    assert "Dropped: 5 mentions" in bunch.DESCR
    assert "Source: train.json, test.json.gz" in bunch.DESCR
    assert load_entity_typing(folder, subset="test").n_dropped == 0
    assert load_entity_typing(folder, subset="all").n_dropped == 5


@pytest.mark.parametrize("subset", ["train", "test", "all"])
def test_the_columns_are_those_of_both_parts(folder, subset):
    assert load_entity_typing(folder, subset=subset).target_names.tolist() == NAMES


def test_a_part_alone_has_its_own_columns(folder):
    (folder / "test.json.gz").unlink()

    assert load_entity_typing(folder).target_names.tolist() == [name for name in NAMES if name != "/other"]


def test_all_is_train_followed_by_test(folder):
    train, test, both = (load_entity_typing(folder, subset=subset) for subset in ("train", "test", "all"))

    assert train.data + test.data == both.data
    assert both.split.tolist() == ["train"] * 3 + ["test"]
    assert both.document_ids.tolist() == ["doc1"] * 3 + [None]
    assert test.document_ids is None
    assert test.sentence_ids.tolist() == [0]


@pytest.mark.parametrize(
    ("subset", "documents", "n_dropped"),
    [("train", ["a", "b"], 1), ("test", ["a"], 0), ("all", ["a", "a", "b", "a"], 1)],
)
def test_the_field_split_selects_the_mentions_of_a_single_file(single, subset, documents, n_dropped):
    bunch = load_entity_typing(single(SINGLE, "mentions.jsonl.gz"), subset=subset)

    assert bunch.document_ids.tolist() == documents
    assert bunch.n_dropped == n_dropped
    assert bunch.target_names.tolist() == ["/location", "/person", "/person/artist"]
    assert bunch.sentence_ids is None
    assert set(bunch.split) == {"train", "test", "dev"} if subset == "all" else {subset}


@pytest.mark.parametrize("subset", ["train", "test"])
def test_a_single_file_without_splits_is_the_part_that_is_asked_for(single, subset):
    bunch = load_entity_typing(single(without("split", SINGLE)), subset=subset)

    assert len(bunch.data) == 3
    assert set(bunch.split) == {subset}


def test_a_single_file_of_sentences_is_read_too(single):
    assert load_entity_typing(str(single(TEST))).data == [{"tokens": ["Rome"], "start": 0, "end": 1}]


def test_types_without_slashes_are_flat(single):
    types = ["citizen", "person"]
    bunch = load_entity_typing(single([{"tokens": ["He"], "start": 0, "end": 1, "labels": types}]))

    assert bunch.target_names.tolist() == types
    assert bunch.parents.tolist() == [-1, -1]


def test_a_file_without_usable_mentions_gives_an_empty_set(single):
    bunch = load_entity_typing(single([{"tokens": ["He"], "start": 0, "end": 1, "labels": []}]))

    assert bunch.target.shape == (0, 0)
    assert (bunch.data, bunch.n_dropped, bunch.split.tolist()) == ([], 1, [])


def test_the_mentions_share_no_list_of_tokens(folder):
    first, second, _ = load_entity_typing(folder).data
    first["tokens"].append("!")

    assert second["tokens"] == VERDI


@pytest.mark.parametrize("name", ["figer", "ontonotes", "bbn"])
def test_a_name_stands_for_a_folder_of_the_data_home(folder, tmp_path, name):
    home = tmp_path / "home" / "sklearn_metalabel"
    home.mkdir(parents=True)
    folder.rename(home / name)

    assert load_entity_typing(name, data_home=tmp_path / "home").target.shape == (3, 5)


def test_a_name_without_files_says_which_to_put_where(tmp_path):
    message = (
        r"train.json \(or train.json.gz\) is not in .*bbn: put train.json and test.json .* or pass url=.* download_if"
    )
    with pytest.raises(OSError, match=message):
        load_entity_typing("bbn", data_home=tmp_path)


def test_a_folder_without_the_part_is_refused(folder):
    (folder / "test.json.gz").unlink()
    for subset in ("test", "all"):
        with pytest.raises(OSError, match=r"test.json \(or test.json.gz\) is not in .*corpus"):
            load_entity_typing(folder, subset=subset)


def test_files_are_downloaded_from_a_folder_once(server, tmp_path):
    server.files = {"/x/train.json": as_lines(TRAIN), "/x/test.json": as_lines(TEST)}
    for subset in ("test", "all"):
        bunch = load_entity_typing("figer", subset=subset, data_home=tmp_path, url=f"{server.url}/x")

    assert bunch.target.shape == (4, 5)
    assert [path for path, _ in server.requests] == ["/x/train.json", "/x/test.json"]


def test_a_changed_file_is_refused_without_the_address_too(server, tmp_path):
    server.files = {"/train.json": as_lines(TRAIN), "/test.json": as_lines(TEST)}
    load_entity_typing("bbn", data_home=tmp_path, url=server.url)
    changed = tmp_path / "sklearn_metalabel" / "bbn" / "test.json"
    changed.write_bytes(as_lines(TRAIN))

    with pytest.raises(OSError, match=r"test.json was wanted with the SHA-256 .*, got"):
        load_entity_typing("bbn", data_home=tmp_path)


@pytest.mark.parametrize("as_file", [True, False])
def test_a_checksum_is_taken_by_file_name(folder, as_file):
    with pytest.raises(OSError, match=r"train.json was wanted with the SHA-256 00, got"):
        load_entity_typing(folder / "train.json" if as_file else folder, checksum={"train.json": "00"})


def test_without_a_network_the_message_says_what_to_do(closed_url, tmp_path, no_waiting):
    with pytest.raises(OSError, match=r"train.json could not be downloaded from http://127.0.0.1.*by hand"):
        load_entity_typing("bbn", data_home=tmp_path, url=closed_url)
    with pytest.raises(OSError, match=r"train.json \(or train.json.gz\) is not in .*download_if_missing=True"):
        load_entity_typing("bbn", data_home=tmp_path, url=closed_url, download_if_missing=False)


def test_an_unknown_subset_is_refused(folder):
    with pytest.raises(ValueError, match='subset must be "train", "test" or "all"; got \'dev\''):
        load_entity_typing(folder, subset="dev")


def test_a_name_that_is_nothing_is_refused():
    with pytest.raises(ValueError, match="name_or_path must be .*; got 'Figer', and nothing is there"):
        load_entity_typing("Figer")


@pytest.mark.parametrize(
    "line",
    [
        b"no json",
        b"[1]",
        b"3",
        b'{"mentions": []}',
        b'{"tokens": [1], "mentions": []}',
        b'{"tokens": ["a"], "mentions": 3}',
        b'{"tokens": ["a"], "start": 0, "end": 1}',
        b'{"tokens": ["a"], "start": "0", "end": 1, "labels": []}',
        b'{"tokens": ["a"], "start": 0, "end": 1, "labels": [2]}',
    ],
)
def test_a_line_of_another_form_is_shown(tmp_path, line):
    path = tmp_path / "train.json"
    path.write_bytes(as_lines(TRAIN[:1]) + line)

    with pytest.raises(ValueError, match="train.json, line 3: wanted a JSON object with tokens and mentions") as info:
        load_entity_typing(path)
    assert repr(line.decode()) in str(info.value)


def test_return_X_y_gives_data_and_target(folder):
    bunch, (X, Y) = load_entity_typing(folder), load_entity_typing(folder, return_X_y=True)

    assert X == bunch.data
    assert_array_equal(Y.toarray(), bunch.target.toarray())


def test_frames_hold_the_same_in_columns(folder):
    pytest.importorskip("pandas")
    plain, framed = load_entity_typing(folder), load_entity_typing(folder, as_frame=True)

    assert framed.data.columns.tolist() == ["tokens", "start", "end"]
    assert framed.data.to_dict("records") == plain.data
    assert framed.target.columns.tolist() == NAMES
    assert_array_equal(framed.target.to_numpy(), plain.target.toarray())
    assert framed.frame.columns.tolist() == ["tokens", "start", "end", *NAMES]


@pytest.mark.data
def test_real_mentions_are_those_of_a_slow_reading(data_folder):
    path = data_folder / "bbn_gold.jsonl.gz"
    bunch = load_entity_typing(path, subset="test")

    with gzip.open(path, "rt", encoding="utf-8") as lines:
        documents = [json.loads(line) for line in lines]
    expected = [each for each in documents if each["split"] == "test"]
    assert bunch.n_dropped == 0
    assert bunch.data == [{name: each[name] for name in ("tokens", "start", "end")} for each in expected]
    assert types_of(bunch) == [set(each["labels"]) for each in expected]
    assert bunch.document_ids.tolist() == [each["doc"] for each in expected]
    assert set(bunch.target_names) == {name for each in documents for name in each["labels"]}
    assert all(mention["tokens"][mention["start"] : mention["end"]] for mention in bunch.data)
