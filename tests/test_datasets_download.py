"""Downloads: from a server on this machine, whole or not at all, and each mishap in a full sentence."""

from __future__ import annotations

import errno
import functools
import hashlib
import io
import multiprocessing
import os
import re
import socket
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from seqcnn.datasets import (
    _ag_news,
    _banking77,
    _cmapss,
    _download,
    _fetch_archives,
    _fsdd,
    _hapt,
    _languages,
    _names,
    _speech_commands,
    fetch_ag_news,
    fetch_banking77,
    fetch_cmapss,
    fetch_fsdd,
    fetch_hapt,
    fetch_languages,
    fetch_names,
    fetch_speech_commands,
    fetch_tser,
    fetch_ucr,
    fetch_uea,
    load_cmapss,
    load_fsdd,
    load_hapt,
    load_ucr,
)
from seqcnn.datasets._download import CHECKSUMS, Remote
from seqcnn.datasets._locate import DataSet

NO_RETRY = "Nothing was kept. Call fetch_ucr again, or get the data by hand, as the card datasets/ucr.md tells."


def whole(message: str) -> str:
    """Match the whole message, not a part of it."""
    return rf"^{re.escape(message)}\Z"


class Server:
    """Serves ``files``, by the last parts of their address; ``cut`` names those that break off midway."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.cut: set[str] = set()
        self.requests: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.removeprefix("/")
                outer.requests.append(name)
                if name not in outer.files:
                    self.send_error(404)
                    return
                content = outer.files[name]
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) // 2] if name in outer.cut else content)

            def log_message(self, *_: object) -> None:
                """Be silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def server():
    running = Server()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.delenv("SEQCNN_DATA", raising=False)
    monkeypatch.setenv("SEQCNN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def zipped(files: dict[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def ts(*cases: str, header: str = "@classLabel true 1 2") -> str:
    return "\n".join(["@univariate true", header, "@data", *cases, ""])


GUN_POINT = zipped({"GunPoint_TRAIN.ts": ts("1,2,3:1", "4,5,6:2"), "folder/GunPoint_TEST.ts": ts("7,8,9:2")})


@pytest.fixture
def gun_point(server, monkeypatch):
    server.files["GunPoint.zip"] = GUN_POINT
    monkeypatch.setattr(_fetch_archives, "CLASSIFICATION_URL", server.url)
    return server


def nothing_is_left(folder) -> bool:
    return not folder.exists() or not list(folder.iterdir())


# ------------------------------------------------------------------------------------------------------------- success


def test_what_is_downloaded_is_read_and_the_second_time_taken_from_the_cache(gun_point, cache):
    X, y = fetch_ucr("GunPoint")
    assert X.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert y.tolist() == [1, 2]
    assert fetch_ucr("GunPoint", "test")[0].tolist() == load_ucr("GunPoint", "test")[0].tolist() == [[7, 8, 9]]
    assert gun_point.requests == ["GunPoint.zip"]
    assert sorted(file.name for file in (cache / "ucr").iterdir()) == ["GunPoint.npz", CHECKSUMS]


def test_what_is_below_the_environment_is_not_downloaded(gun_point, tmp_path, monkeypatch):
    monkeypatch.setenv("SEQCNN_DATA", str(tmp_path / "data"))
    fetch_ucr("GunPoint", path=tmp_path / "data" / "ucr")
    fetch_ucr("GunPoint")
    assert gun_point.requests == ["GunPoint.zip"]
    assert not (tmp_path / "cache").exists()


def test_series_of_unequal_length_come_as_they_were(server, monkeypatch):
    train = ts("1,2:3,4:walk", "5,?,7:8,9,10:run", header="@classLabel true walk run")
    files = {"Tiny_TRAIN.ts": train, "Tiny_TEST.ts": ts("1:2:run", header="@classLabel true walk run")}
    monkeypatch.setattr(_fetch_archives, "CLASSIFICATION_URL", server.url)
    monkeypatch.setattr(_fetch_archives, "UEA_NAMES", ("Tiny",))
    server.files["Tiny.zip"] = zipped(files)
    X, y = fetch_uea("Tiny")
    assert [series.shape for series in X] == [(2, 2), (2, 3)]
    np.testing.assert_array_equal(X[1], [[5, np.nan, 7], [8, 9, 10]])
    assert y.tolist() == ["walk", "run"]


def test_a_regression_set_is_a_pair_of_files_of_its_record(server, monkeypatch):
    monkeypatch.setattr(_fetch_archives, "ZENODO_URL", server.url)
    for split in ("TRAIN", "TEST"):
        server.files[f"18484843/files/Covid3Month_{split}.ts"] = ts("1,2:0.5", header="@targetLabel true").encode()
    X, y = fetch_tser("Covid3Month")
    assert X.shape == (1, 1, 2)
    assert y.tolist() == [0.5]


def test_news_come_with_the_names_of_their_classes(server, monkeypatch):
    files = {"train.csv": b"1,a,b\n4,c,d\n", "test.csv": b"2,e,f\n"}
    server.files |= files
    remotes = [Remote(f"{server.url}/{name}", name, sha256(content)) for name, content in files.items()]
    monkeypatch.setattr(_ag_news, "REMOTES", remotes)
    assert fetch_ag_news("test") == (["e f"], ["Sports"])
    assert fetch_ag_news("train")[1].tolist() == ["World", "Sci/Tech"]
    assert sorted(server.requests) == ["test.csv", "train.csv"]


def test_a_part_of_the_news_does_not_pass_for_the_whole(server, tmp_path, monkeypatch):
    part = tmp_path / "data" / "text" / "ag_news"
    part.mkdir(parents=True)
    (part / "classes.txt").write_text("World\n")
    (part / "train_subset.csv").write_text("1,a,part\n")
    monkeypatch.setenv("SEQCNN_DATA", str(tmp_path / "data"))
    server.files |= {"train.csv": b"1,the,whole\n", "test.csv": b"2,e,f\n"}
    monkeypatch.setattr(_ag_news, "REMOTES", [Remote(f"{server.url}/{name}", name) for name in server.files])
    assert fetch_ag_news("train")[0] == ["the whole"]


def test_questions_of_a_bank(server, monkeypatch):
    server.files |= {"train.csv": b'text,category\n"Where, and\nwhen?",atm\n', "test.csv": b"text,category\nWhy?,fee\n"}
    monkeypatch.setattr(_banking77, "REMOTES", [Remote(f"{server.url}/{name}", name) for name in server.files])
    assert fetch_banking77("train") == (["Where, and\nwhen?"], ["atm"])
    assert fetch_banking77("test") == (["Why?"], ["fee"])


def test_every_fifth_name_is_held_back(server, monkeypatch, cache):
    server.files |= {
        f"{language}.txt": "\n".join(f"{language}{n}" for n in range(1, 11)).encode() for language in _names.LANGUAGES
    }
    monkeypatch.setattr(_names, "URL", server.url)
    X, y = fetch_names("test")
    assert X[:3] == ["Arabic5", "Arabic10", "Chinese5"]
    assert y[:3].tolist() == ["Arabic", "Arabic", "Chinese"]
    assert len(fetch_names("train")[0]) == 18 * 8
    assert len((cache / "text" / "names" / CHECKSUMS).read_text().splitlines()) == 18


def test_texts_of_all_languages_become_one_file(server, monkeypatch, cache):
    monkeypatch.setattr(_languages, "URL", server.url)
    server.files |= {f"single-words/{code}.txt": f"{code}1\n{code}2\n".encode() for code in _languages.CODES}
    X, y = fetch_languages("test", texts="single-words")
    assert X[:2] == ["az1", "bg2"]
    assert y[:2].tolist() == ["az", "bg"]
    assert len(fetch_languages("train", texts="single-words")[0]) == 120
    assert sorted(file.name for file in (cache / "text" / "lingua_lid").iterdir()) == [
        CHECKSUMS,
        "single-words.tsv.xz",
    ]


def test_recordings_are_unpacked_and_nothing_else(server, monkeypatch, cache):
    content = tarred(
        {"fsdd-1/README.md": b"", **{f"fsdd-1/recordings/{n}_theo_{i}.wav": b"" for n in range(3) for i in (0, 7)}}
    )
    server.files["fsdd.tar.gz"] = content
    monkeypatch.setattr(_fsdd, "REMOTE", Remote(f"{server.url}/fsdd.tar.gz", "fsdd.tar.gz"))
    monkeypatch.setattr(_fsdd, "N_RECORDINGS", 6)
    X, y, speakers = fetch_fsdd("test", return_groups=True)
    assert [os.path.basename(path) for path in X] == ["0_theo_0.wav", "1_theo_0.wav", "2_theo_0.wav"]  # noqa: PTH119
    assert y.tolist() == [0, 1, 2]
    assert speakers.tolist() == ["theo"] * 3
    assert len(load_fsdd("train")[0]) == 3
    assert sorted(file.name for file in (cache / "fsdd").iterdir()) == [CHECKSUMS, "recordings"]


def test_a_release_with_another_number_of_recordings_is_refused(server, monkeypatch, cache):
    server.files["fsdd.tar.gz"] = tarred({"fsdd-1/recordings/0_theo_0.wav": b""})
    monkeypatch.setattr(_fsdd, "REMOTE", Remote(f"{server.url}/fsdd.tar.gz", "fsdd.tar.gz"))
    with pytest.raises(ValueError, match=r"it holds 1 recordings instead of 3,000\. Get the file again"):
        fetch_fsdd()
    assert nothing_is_left(cache / "fsdd")


def test_words_are_split_by_the_official_lists(server, monkeypatch):
    content = tarred(
        {
            "./validation_list.txt": b"left/bb_nohash_0.wav\n",
            "./testing_list.txt": b"left/cc_nohash_0.wav\n",
            "./_background_noise_/tap.wav": b"",
            **{f"./left/{speaker}_nohash_0.wav": b"" for speaker in ("aa", "bb", "cc")},
        }
    )
    server.files["words.tar.gz"] = content
    monkeypatch.setattr(
        _speech_commands, "REMOTE", Remote(f"{server.url}/words.tar.gz", "words.tar.gz", sha256(content))
    )
    for split, speaker in (("train", "aa"), ("validation", "bb"), ("test", "cc")):
        X, y, speakers = fetch_speech_commands(split, words=["left"], return_groups=True)
        assert (len(X), y.tolist()) == (1, ["left"])
        assert speakers.tolist() == [speaker]
    assert server.requests == ["words.tar.gz"]


def test_engines_become_windows_with_the_cycles_that_are_left(server, monkeypatch):
    def table(n_cycles: int) -> str:
        return "".join(f"{unit} {cycle} " + "0.5 " * 24 + "\n" for unit in (1, 2) for cycle in range(1, n_cycles + 1))

    inner = zipped({"train_FD001.txt": table(130), "test_FD001.txt": table(31), "RUL_FD001.txt": "7\n140\n"})
    server.files["cmapss.zip"] = zipped({"6. Turbofan/CMAPSSData.zip": inner})
    monkeypatch.setattr(_cmapss, "REMOTE", Remote(f"{server.url}/cmapss.zip", "cmapss.zip"))
    X, y, engines = fetch_cmapss("train", window_length=4, return_groups=True)
    assert X.shape == (2 * 127, 24, 4)
    assert y[:3].tolist() == [125, 125, 124]
    assert y[126] == 0
    assert engines[[0, -1]].tolist() == [1, 2]
    X, y = fetch_cmapss("test")
    assert X.shape == (2, 24, 30)
    assert y.tolist() == [7, 125]


def test_windows_longer_than_an_engine_is_known_begin_with_its_first_cycle(tmp_path):
    train, test = (
        np.array([[1, cycle, *[cycle] * 24] for cycle in range(1, n_cycles + 1)], dtype=np.float64)
        for n_cycles in (33, 31)
    )
    np.savez(tmp_path / _cmapss.FILE, train=train, test=test, test_rul=np.array([9.0]))
    X, y = load_cmapss("train", window_length=35, path=tmp_path)
    # Thirty-one cycles are the fewest that are known of an engine when its life is to be told.
    assert X.shape == (3, 24, 35)
    assert [[*window[0]] for window in X] == [
        [1, 1, 1, 1, *range(1, 32)],
        [1, 1, 1, *range(1, 33)],
        [1, 1, *range(1, 34)],
    ]
    assert y.tolist() == [2, 1, 0]
    X, y = load_cmapss("test", window_length=35, path=tmp_path)
    assert [[*window[7]] for window in X] == [[1, 1, 1, 1, *range(1, 32)]]
    assert y.tolist() == [9]


def test_the_history_of_an_engine_is_its_means_so_far_and_its_age(tmp_path):
    # Cycles 1 to 31, and 100 times as much from every sensor.
    engine = np.array([[1, cycle, *[100 * cycle] * 24] for cycle in range(1, 32)], dtype=np.float64)
    np.savez(tmp_path / _cmapss.FILE, train=engine, test=engine, test_rul=np.array([9.0]))
    X, _ = load_cmapss("test", with_history=True, path=tmp_path)
    assert X.shape == (1, 49, 30)
    assert X[0, :24].tolist() == load_cmapss("test", path=tmp_path)[0][0].tolist()
    # The mean of 1 to n is half of n + 1.
    assert X[0, 24:48].tolist() == [[50 * (cycle + 1) for cycle in range(2, 32)]] * 24
    assert X[0, 48].tolist() == [*range(2, 32)]
    X, _ = load_cmapss("test", window_length=33, with_history=True, path=tmp_path)
    assert X[0, 48].tolist() == [1, 1, *range(1, 32)]


def hapt(first_activity: int = 5) -> bytes:
    random = np.random.RandomState(0)
    files = {
        "HAPT/activity_labels.txt": "\n".join(f" {n + 1} ACTIVITY_{n + 1}" for n in range(12)),
        # Person 1: 3 windows of activity 5 and one of 4; person 2: one window of activity 1; 127 samples are none.
        "HAPT/RawData/labels.txt": "1 1 5 11 266\n1 1 7 267 393\n1 1 4 394 530\n2 2 1 1 128\n",
        "HAPT/Train/y_train.txt": f"{first_activity}\n5\n5\n4\n",
        "HAPT/Train/subject_id_train.txt": "1\n1\n1\n1\n",
        "HAPT/Test/y_test.txt": "1\n",
        "HAPT/Test/subject_id_test.txt": "2\n",
    }
    for sensor in ("acc", "gyro"):
        for recording in ("exp01_user01", "exp02_user02"):
            rows = random.normal(size=(600, 3))
            files[f"HAPT/RawData/{sensor}_{recording}.txt"] = "\n".join(" ".join(map(str, row)) for row in rows)
    return zipped(files)


def test_movement_is_cut_into_the_windows_of_the_releases_own_lists(server, monkeypatch):
    server.files["hapt.zip"] = hapt()
    monkeypatch.setattr(_hapt, "REMOTE", Remote(f"{server.url}/hapt.zip", "hapt.zip"))
    X, y, people = fetch_hapt("train", return_groups=True)
    assert X.shape == (4, 6, 128)
    assert y.tolist() == ["ACTIVITY_5"] * 3 + ["ACTIVITY_4"]
    assert people.tolist() == [1, 1, 1, 1]
    np.testing.assert_array_equal(X[0, :, 64:], X[1, :, :64])
    X, y = load_hapt("test")
    assert X.shape == (1, 6, 128)
    assert y.tolist() == ["ACTIVITY_1"]


def test_windows_that_the_release_does_not_list_are_refused(server, monkeypatch, cache):
    server.files["hapt.zip"] = hapt(first_activity=6)
    monkeypatch.setattr(_hapt, "REMOTE", Remote(f"{server.url}/hapt.zip", "hapt.zip"))
    with pytest.raises(ValueError, match="its recordings give other windows in the train split than its own lists"):
        fetch_hapt()
    assert nothing_is_left(cache / "har")


@pytest.mark.parametrize(
    ("fetch", "names", "card"),
    [
        (fetch_ucr, "128 data sets of the UCR archive", "ucr"),
        (fetch_uea, "30 data sets of the UEA archive", "uea"),
        (fetch_tser, "63 data sets of the TSER archive", "tser"),
    ],
)
def test_a_misspelt_name_is_answered_before_anything_is_downloaded(fetch, names, card):
    message = (
        f"The 'name' parameter of {fetch.__name__} must be one of the {names}. Received: 'Xyzzyx'. "
        f"The card datasets/{card}.md tells where their names are listed."
    )
    with pytest.raises(ValueError, match=whole(message)):
        fetch("Xyzzyx")
    with pytest.raises(ValueError, match="Did you mean 'GunPoint'"):
        fetch_ucr("gunpoint")


# ------------------------------------------------------------------------------------------------------------- mishaps


def second_try_works(server, cache) -> None:
    assert nothing_is_left(cache / "ucr")
    server.cut.clear()
    server.files["GunPoint.zip"] = GUN_POINT
    assert fetch_ucr("GunPoint")[0].shape == (2, 3)


def test_a_connection_that_breaks_off_leaves_nothing(gun_point, cache):
    gun_point.cut.add("GunPoint.zip")
    message = (
        f"fetch_ucr could not download '{gun_point.url}/GunPoint.zip': the connection broke off before the end of the "
        f"file. {NO_RETRY}"
    )
    with pytest.raises(ConnectionError, match=whole(message)):
        fetch_ucr("GunPoint")
    second_try_works(gun_point, cache)


def test_a_server_without_the_file_is_reported(gun_point, cache):
    del gun_point.files["GunPoint.zip"]
    message = (
        f"fetch_ucr could not download '{gun_point.url}/GunPoint.zip': the server answered 404 (Not Found). {NO_RETRY}"
    )
    with pytest.raises(ConnectionError, match=whole(message)):
        fetch_ucr("GunPoint")
    second_try_works(gun_point, cache)


def test_without_a_network_the_error_says_so(gun_point, cache, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}"
    with monkeypatch.context() as patched:
        patched.setattr(_fetch_archives, "CLASSIFICATION_URL", closed)
        message = (
            f"fetch_ucr could not download '{closed}/GunPoint.zip': the server cannot be reached, perhaps for "
            "want of a network. "
            f"{NO_RETRY}"
        )
        with pytest.raises(ConnectionError, match=whole(message)):
            fetch_ucr("GunPoint")
    second_try_works(gun_point, cache)


def test_a_server_that_does_not_answer_is_given_up(gun_point, cache, monkeypatch):
    with socket.socket() as silent, monkeypatch.context() as patched:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        patched.setattr(_fetch_archives, "CLASSIFICATION_URL", url)
        patched.setattr(_download, "TIMEOUT", 0.1)
        message = (
            f"fetch_ucr could not download '{url}/GunPoint.zip': the server did not answer for 0.1 seconds. {NO_RETRY}"
        )
        with pytest.raises(ConnectionError, match=whole(message)):
            fetch_ucr("GunPoint")
    second_try_works(gun_point, cache)


def test_a_published_checksum_is_held(server, monkeypatch, cache):
    good = b"text,category\nWhy?,fee\n"
    server.files |= {"train.csv": good, "test.csv": b"changed"}
    remotes = [Remote(f"{server.url}/{name}", name, sha256(good)) for name in server.files]
    monkeypatch.setattr(_banking77, "REMOTES", remotes)
    message = (
        f"fetch_banking77 downloaded '{server.url}/test.csv', but its checksum is not the expected one: the file is "
        "damaged, or it was changed at its source. Nothing was kept. Call fetch_banking77 again, or get the data by "
        f"hand, as the card datasets/banking77.md tells. If it was changed, remove its line from "
        f"'{cache / 'text' / 'banking77' / CHECKSUMS}', where it has one."
    )
    with pytest.raises(ValueError, match=whole(message)):
        fetch_banking77()
    assert nothing_is_left(cache / "text" / "banking77")
    server.files["test.csv"] = good
    assert fetch_banking77("test") == (["Why?"], ["fee"])


def test_the_first_download_is_trusted_and_a_later_one_must_equal_it(gun_point, cache):
    fetch_ucr("GunPoint")
    recorded = (cache / "ucr" / CHECKSUMS).read_text()
    assert recorded == f"{hashlib.sha256(GUN_POINT).hexdigest()}  GunPoint.zip\n"
    (cache / "ucr" / "GunPoint.npz").unlink()
    gun_point.files["GunPoint.zip"] = GUN_POINT + b"\0"
    with pytest.raises(ValueError, match="but its checksum is not the expected one"):
        fetch_ucr("GunPoint")
    assert (cache / "ucr" / CHECKSUMS).read_text() == recorded
    gun_point.files["GunPoint.zip"] = GUN_POINT
    assert fetch_ucr("GunPoint")[0].shape == (2, 3)


@pytest.mark.parametrize("content", [b"<html>Please log in</html>", GUN_POINT[:-40], b""])
def test_what_is_no_archive_is_neither_kept_nor_trusted(gun_point, cache, content):
    gun_point.files["GunPoint.zip"] = content
    message = (
        f"fetch_ucr could not download '{gun_point.url}/GunPoint.zip': what came is no archive that can be unpacked "
        f"(File is not a zip file). {NO_RETRY}"
    )
    with pytest.raises(ValueError, match=whole(message)):
        fetch_ucr("GunPoint")
    second_try_works(gun_point, cache)


def test_an_archive_without_the_data_is_reported(gun_point, cache):
    gun_point.files["GunPoint.zip"] = zipped({"GunPoint_TRAIN.ts": ts("1:1")})
    with pytest.raises(ValueError, match=r"^fetch_ucr cannot read .*: it holds no file 'GunPoint_TEST.ts'\. Get the"):
        fetch_ucr("GunPoint")
    second_try_works(gun_point, cache)


def no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("place", ["download", "unpacking"])
def test_a_full_disk_is_reported(gun_point, cache, monkeypatch, place):
    message = (
        f"[Errno {errno.ENOSPC}] fetch_ucr could not store the data set UCR archive: there is no space left in "
        f"'{cache / 'ucr'}'. Nothing was kept. Make room, pass path= with another folder, or set SEQCNN_CACHE to one."
    )
    with monkeypatch.context() as patched:
        if place == "download":
            patched.setattr("pooch.core.shutil.move", no_space)
        else:
            patched.setattr(_download.np, "savez_compressed", no_space)
        with pytest.raises(OSError, match=whole(message)) as error:
            fetch_ucr("GunPoint")
    assert error.value.errno == errno.ENOSPC
    second_try_works(gun_point, cache)


def test_a_folder_that_cannot_be_written_to_is_reported(gun_point, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SEQCNN_CACHE", str(tmp_path / "file"))
    message = (
        f"[Errno {errno.ENOTDIR}] fetch_ucr could not store the data set UCR archive: '{tmp_path / 'file' / 'ucr'}' "
        "cannot be written to (Not a directory). Nothing was kept. Change its permissions, pass path= with another "
        "folder, or set SEQCNN_CACHE to one."
    )
    with pytest.raises(NotADirectoryError, match=whole(message)):
        fetch_ucr("GunPoint")
    assert fetch_ucr("GunPoint", path=tmp_path / "mine")[0].shape == (2, 3)


@pytest.mark.parametrize("place", ["download", "unpacking"])
def test_an_interrupted_download_leaves_nothing(gun_point, cache, monkeypatch, place):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if place == "download":
            patched.setattr(_download._Bar, "update", interrupt)
        else:
            patched.setattr(_fetch_archives, "read_ts", interrupt)
        message = "fetch_ucr was interrupted. Nothing was kept. Call it again to download."
        with pytest.raises(KeyboardInterrupt, match=whole(message)):
            fetch_ucr("GunPoint")
    second_try_works(gun_point, cache)


def test_an_archive_cannot_write_outside_of_its_folder(tmp_path):
    (tmp_path / "bad.tar.gz").write_bytes(tarred({"../outside.txt": b"x"}))
    with pytest.raises(tarfile.TarError, match="the archive holds a path outside of its folder"):
        _download.unpack(tmp_path / "bad.tar.gz", tmp_path / "inside", lambda name: name)
    assert not (tmp_path / "outside.txt").exists()


def test_what_an_interrupted_move_left_is_completed(tmp_path):
    unpacked, folder = tmp_path / "unpacked", tmp_path / "folder"
    for place in (unpacked / "a", unpacked / "b", folder / "a"):
        place.mkdir(parents=True)
    (unpacked / "list.txt").write_text("all")
    _download.put(unpacked, folder, last="list.txt")
    assert sorted(entry.name for entry in folder.iterdir()) == ["a", "b", "list.txt"]


def _fetch_in_a_process(url: str, folder: str, start) -> None:
    _fetch_archives.CLASSIFICATION_URL = url
    start.wait()
    X, _ = fetch_ucr("GunPoint", path=folder)
    assert X.tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.slow
def test_two_processes_that_download_at_once_both_get_the_whole(gun_point, tmp_path):
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(2)
    target = functools.partial(_fetch_in_a_process, gun_point.url, str(tmp_path / "ucr"), start)
    processes = [context.Process(target=target) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert sorted(file.name for file in (tmp_path / "ucr").iterdir()) == ["GunPoint.npz", CHECKSUMS]


def test_the_bar_is_drawn_on_a_terminal_only(monkeypatch):
    bar = _download._Bar("Test")
    bar.total = 10
    bar.update(4)
    assert (bar.total, bar.progress.tasks[0].completed) == (10, 4)
    assert bar.progress.disable
    monkeypatch.setattr("sys.stderr", type("Terminal", (io.StringIO,), {"isatty": lambda self: True})())
    assert not _download._Bar("Test").progress.disable


def test_sources_have_checksums_or_are_trusted_knowingly():
    published = [_hapt.REMOTE, _cmapss.REMOTE, _speech_commands.REMOTE, *_banking77.REMOTES, *_ag_news.REMOTES]
    for remote in published:
        algorithm, _, digest = str(remote.checksum).partition(":")
        assert re.fullmatch(r"[0-9a-f]+", digest)
        assert len(digest) == {"sha256": 64, "md5": 32}[algorithm]
    assert isinstance(_fsdd.FSDD, DataSet)
    assert _fsdd.REMOTE.checksum is None
