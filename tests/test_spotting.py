"""A spotter hears each word once, live as in a file, keeps its promises, and learns from its mistakes."""

from __future__ import annotations

import math
import pickle
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile
from estimator_helpers import LABELS, SERIES, message_of, quick, with_warnings
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from spotting_helpers import RATE, FakeClassifier, say

import seqcnn
from seqcnn import SeqCNNClassifier, SeqCNNEmbedder
from seqcnn.datasets import make_spoken_tones
from seqcnn.spotting import Detection, KeywordSpotter, PersonalKeywords
from seqcnn.spotting.bounds import poisson_upper_bound
from seqcnn.spotting.events import EventRule
from seqcnn.spotting.sweep import sweep
from seqcnn.spotting.tracks import stack_tracks
from seqcnn.spotting.tuning import choose_threshold

QUIET = {"smoothing_seconds": 0.0, "refractory_seconds": 0.2}


def spotter(**parameters: Any) -> KeywordSpotter:
    return KeywordSpotter(FakeClassifier(), **(QUIET | parameters))


def noise(seed: int, seconds: float, level: float = 0.3) -> Any:
    """Bursts of random level, none of them a word."""
    generator = np.random.default_rng(seed)
    n_bursts = int(seconds / 0.5)
    bursts = [(0.5 * number, generator.uniform(-level, level)) for number in range(n_bursts)]
    return say(*bursts, seconds=seconds)


# Hearing.


def test_each_word_is_heard_once_with_the_window_that_decided() -> None:
    found = spotter().detect(say((1.0, 0.9), (2.0, -0.8), (3.5, 1.0)))
    assert found["keyword"].tolist() == ["up", "down", "up"]
    # 0.5 is reached when 56, 63 and 50 of the last 100 samples are loud.
    np.testing.assert_allclose(found["end"], [1.06, 2.08, 3.56], atol=1e-9)
    np.testing.assert_allclose(found["end"] - found["start"], 0.2, atol=1e-9)
    assert found["score"].between(0.5, 0.72).all()


def test_a_silent_recording_gives_an_empty_table_of_the_same_columns() -> None:
    found = spotter().detect(np.zeros(3000))
    assert found.columns.tolist() == ["start", "end", "keyword", "score"]
    assert found.dtypes.astype(str).tolist() == ["float64", "float64", "object", "float64"]
    assert len(found) == 0


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 4.8), st.floats(-1, 1)), max_size=8),
    st.lists(st.integers(0, 700), max_size=20),
    st.sampled_from([0.0, 0.05, 0.1]),
    st.sampled_from([0.0, 0.04]),
)
def test_a_listener_hears_what_detect_finds_whatever_the_pieces(words, sizes, smoothing, minimum) -> None:
    own = spotter(smoothing_seconds=smoothing, minimum_seconds=minimum, threshold=0.3)
    wave = say(*words)
    listener, heard, begin = own.listen(), [], 0
    for size in [*sizes, len(wave)]:
        heard += listener.push(wave[begin : begin + size])
        begin += size
    heard += listener.finish()
    table = own.detect(wave)
    assert heard == [Detection(*row) for row in table.itertuples(index=False)]


def test_samples_one_by_one_give_the_same() -> None:
    wave = say((0.3, 0.9), seconds=1.0)
    listener = spotter().listen()
    heard = [detection for sample in wave for detection in listener.push(sample[None])]
    assert [heard[0]] == [Detection(*row) for row in spotter().detect(wave).itertuples(index=False)]


def test_a_detection_comes_with_the_samples_that_decide_it() -> None:
    listener = spotter().listen()
    assert listener.push(say((1.0, 1.0))[:1040]) == []
    assert [word.keyword for word in listener.push(say((1.0, 1.0))[1040:1060])] == ["up"]
    assert listener.seconds == pytest.approx(1.06)
    assert listener.scores.tolist() == pytest.approx([0.0, 0.6])
    assert listener.keywords == ["down", "up"]


def test_a_reset_begins_anew_at_zero_seconds() -> None:
    listener = spotter().listen()
    first = listener.push(say((1.0, 0.9)))
    listener.reset()
    assert listener.seconds == 0
    assert listener.scores.tolist() == [0, 0]
    assert listener.push(say((1.0, 0.9))) == first


def test_zeros_and_pushes_of_nothing_do_no_harm() -> None:
    listener = spotter().listen()
    assert listener.push(np.zeros(50_000)) == listener.push(np.zeros(0)) == []
    assert [word.keyword for word in listener.push(say((0.0, 0.9)))] == ["up"]


def test_samples_that_are_refused_are_as_good_as_never_pushed() -> None:
    wave = say((1.0, 0.9))
    listener = spotter().listen()
    heard = listener.push(wave[:1030])
    with pytest.raises(ValueError, match="finite"):
        listener.push(np.array([0.1, np.nan]))
    heard += listener.push(wave[1030:])
    assert heard == spotter().listen().push(wave)


def test_the_first_half_window_says_nothing() -> None:
    # Loud from the first sample: the window of 0.2 s is half full after 0.1 s.
    table = spotter().scores(np.ones(300))
    assert table.loc[table["end"] < 0.101, "up"].tolist() == [0] * 5
    assert spotter().detect(np.ones(300))["end"].tolist() == pytest.approx([0.12])


@pytest.mark.parametrize("place", [0.0, 4.85])
def test_words_at_both_edges_are_heard(place: float) -> None:
    assert spotter(smoothing_seconds=0.1).detect(say((place, 1.0)))["keyword"].tolist() == ["up"]


def test_a_source_may_be_a_waveform_a_pair_a_file_or_blocks(tmp_path: Path) -> None:
    wave = say((1.0, 0.9), (3.0, -0.9))
    soundfile.write(tmp_path / "words.wav", wave, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "twice.wav", np.repeat(wave, 2), 2 * RATE, subtype="FLOAT")
    wanted = spotter().detect(wave)
    assert len(wanted) == 2
    stereo = np.stack([wave, wave])
    blocks = [wave[begin : begin + 333] for begin in range(0, len(wave), 333)]
    sources = [wave.tolist(), (wave, RATE), (np.repeat(wave, 2), 2 * RATE), stereo, tmp_path / "words.wav"]
    for source in [*sources, str(tmp_path / "twice.wav"), blocks, iter(blocks)]:
        pd.testing.assert_frame_equal(spotter().detect(source), wanted)
    pd.testing.assert_frame_equal(spotter().detect(iter([np.repeat(wave, 2)]), sample_rate=2 * RATE), wanted)


def test_hours_of_a_file_are_read_in_blocks(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, np.concatenate([np.zeros(3_600_000, np.float32), say((1.0, 0.9))]), RATE, subtype="PCM_16")
    own = spotter()
    found = own.detect(path)
    assert found["end"].tolist() == pytest.approx([3601.06])
    assert own.classifier.streams[-1].n_seen_at_most == 10 * RATE


@pytest.mark.slow
def test_three_hours_take_the_memory_of_minutes() -> None:
    blocks = (np.zeros(10 * RATE, np.float32) for _ in range(3 * 360))
    own = spotter()
    own.detect(np.zeros(10 * RATE))
    tracemalloc.start()
    own.detect(blocks)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000  # the recording has 43,000,000 bytes


def test_scores_are_the_track_that_detections_are_made_of() -> None:
    own = spotter(smoothing_seconds=0.06)
    wave = say((1.0, 0.9))
    table = own.scores(wave)
    assert table.columns.tolist() == ["end", "down", "up"]
    first = table[table["up"] >= 0.5].iloc[0]
    (found,) = own.detect(wave).to_dict("records")
    assert (found["end"], found["score"]) == pytest.approx((first["end"], first["up"]))


# Clips.


def test_a_clip_is_its_keyword_or_unknown_and_can_be_scored() -> None:
    own = spotter(keywords=["up"])
    clips = [np.full(100, 0.9), np.full(100, 0.3), np.full(100, -0.9)]
    assert own.predict(clips).tolist() == ["up", "unknown", "unknown"]
    np.testing.assert_allclose(own.decision_function(clips), [[0.9], [0.3], [0.0]], atol=1e-9)
    assert own.classes_.tolist() == ["up", "unknown"]
    assert own.score(clips, ["up", "down", "down"]) == 1.0
    assert own.set_params(threshold=0.2).score(clips, ["up", "up", "up"]) == pytest.approx(2 / 3)


# Promises.


def test_the_lowest_threshold_with_a_proof_is_chosen_and_counts_what_detect_finds() -> None:
    own = spotter()
    negatives = [noise(seed, 450.0) for seed in range(2)]
    positives = ([say((0.5, level), seconds=1.0) for level in np.linspace(0.05, 1, 20)], ["up"] * 20)
    result = own.tune_threshold(positives, negatives, max_false_accepts_per_hour=100, confidence=0.9)
    assert result.proven
    assert result.hours == pytest.approx(0.25)
    assert own.threshold_ == result.threshold
    assert sum(len(own.detect(wave)) for wave in negatives) == result.false_accepts > 10
    assert result.upper_bound == pytest.approx(poisson_upper_bound(result.false_accepts, 0.9) / 0.25)
    assert result.upper_bound <= 100
    assert sum(len(own.detect(wave)) == 0 for wave in positives[0]) == result.misses > 0
    assert (result.n_words, result.miss_rate, result.hours_needed) == (20, result.misses / 20, 0)
    curve = result.curve
    next_lower = curve[curve["threshold"] < result.threshold].iloc[0]
    assert poisson_upper_bound(next_lower["false_accepts"], 0.9) / 0.25 > 100
    assert result.explain() == (
        f"Threshold {result.threshold:.4g}: {result.false_accepts} false accepts in 0.25 hours of negatives, so at "
        f"most {result.upper_bound:.3g} an hour at 90% confidence, which keeps the 100 an hour that were asked for. It "
        f"misses {result.misses} of 20 words."
    )


def test_every_line_of_the_curve_is_what_detect_finds_at_its_threshold() -> None:
    own = spotter(smoothing_seconds=0.04)
    negatives = [noise(0, 20.0), noise(1, 20.0)]
    clips = [say((0.4, level), seconds=1.0) for level in (0.2, 0.5, -0.7, 0.9)]
    words = ["up", "up", "down", "up"]
    curve = own.evaluate((clips, words), negatives).curve
    assert curve["threshold"].is_monotonic_decreasing
    for line in curve.iloc[:: max(1, len(curve) // 12)].to_dict("records"):
        own.set_params(threshold=line["threshold"])
        assert sum(len(own.detect(wave)) for wave in negatives) == line["false_accepts"]
        found = [word in set(own.detect(wave)["keyword"]) for wave, word in zip(clips, words, strict=True)]
        assert 4 - sum(found) == line["misses"]


def test_a_threshold_below_all_scores_is_not_taken_for_a_good_one() -> None:
    # At 0.01 a hum is one endless event in an hour; from 0.3 on it is hundreds.
    hum = 0.3 + noise(0, 600.0, level=0.1)
    result, _ = with_warnings(
        spotter().tune_threshold, ([say((0.5, 1.0), seconds=1.0)], ["up"]), hum, max_false_accepts_per_hour=20
    )
    at_floor = result.curve.iloc[-1]
    assert at_floor["false_accepts"] <= 1
    assert result.threshold > 0.3


def test_of_the_proven_thresholds_one_of_the_fewest_misses_is_taken() -> None:
    # Each "up" begins like a weak "down", which would fire first and keep "up" from firing.
    wave = say((0.5, -0.4), (0.65, 0.9), seconds=1.5)
    own = spotter(refractory_seconds=0.5)
    result = own.tune_threshold(([wave], ["up"]), noise(0, 900.0, level=0.1), max_false_accepts_per_hour=100)
    assert result.proven
    assert result.misses == 0
    assert result.curve.iloc[-1]["misses"] == 1
    assert own.detect(wave)["keyword"].tolist() == ["up"]


def test_too_few_hours_are_said_with_the_hours_that_are_missing() -> None:
    own = spotter()
    positives = ([say((0.5, 1.0), seconds=1.0)], ["up"])
    result, warned = with_warnings(own.tune_threshold, positives, noise(0, 360.0), max_false_accepts_per_hour=0.5)
    needed = -math.log(0.05) / 0.5 - 0.1
    assert not result.proven
    assert result.hours_needed == pytest.approx(needed)
    assert result.false_accepts == 0
    assert result.upper_bound == pytest.approx(-math.log(0.05) / 0.1)
    assert warned == [
        f"KeywordSpotter.tune_threshold could not prove what was asked for. Threshold {result.threshold:.4g}: 0 false "
        f"accepts in 0.1 hours of negatives, so at most 30 an hour at 95% confidence, which does not prove the 0.5 an "
        f"hour that were asked for; 5.89 more hours of negatives without a further false accept would. Until then the "
        f"threshold with the best proof is kept."
    ]
    # The best proof there is: nothing fires, and a lower threshold would.
    assert len(own.detect(noise(0, 360.0))) == 0
    lower = result.curve[result.curve["threshold"] < result.threshold].iloc[0]
    assert lower["false_accepts"] > 0


def test_where_more_hours_would_not_help_it_says_what_would() -> None:
    loud = say(*[(number, 1.0) for number in range(3600)], seconds=3600.0)
    result, (warned,) = with_warnings(
        spotter().tune_threshold, ([say((0.5, 1.0), seconds=1.0)], ["up"]), loud, max_false_accepts_per_hour=5
    )
    assert result.false_accepts == 3600
    assert warned.endswith(
        "which does not prove the 5 an hour that were asked for; no threshold has so few, and more negatives will not "
        "help. Train on the hardest ones: mine() lists them, fit_more() takes them in."
    )


def test_the_proof_holds_as_often_as_it_says() -> None:
    # Sounds come 40 times an hour on average, their scores are uniform: above t there are 40 (1 - t) an hour.
    generator = np.random.default_rng(0)
    broken = 0
    for _ in range(100):
        scores = np.where(generator.random(3600) < 40 / 3600, generator.random(3600), 0).astype(np.float32)
        alone = np.stack([scores, np.zeros_like(scores)]).T.reshape(-1, 1)
        hour = stack_tracks([(alone, 3600.0)], 1, 1, 0.5, 0.5)
        curve = sweep(hour, None, None, lambda threshold: EventRule(threshold, threshold))
        result = choose_threshold(curve.assign(misses=0, miss_rate=0.0), hour.hours, 0, 20, 0.8)
        broken += 40 * (1 - result.threshold) > 20
    # At 80 % confidence a fifth may break it; three standard errors are 12 of 100.
    assert 1 <= broken <= 20 + 12


def test_a_threshold_that_is_set_takes_the_place_of_a_tuned_one() -> None:
    own = spotter()
    with_warnings(own.tune_threshold, ([say((0.5, 1.0))], ["up"]), noise(0, 20.0))
    assert own.threshold_ != 0.5
    assert own.set_params(keywords=["up"]).threshold_ != 0.5
    assert own.set_params(threshold=0.4).threshold_ == 0.4


def test_words_in_long_recordings_are_found_at_their_times_only() -> None:
    wave = say((1.0, 0.9), (2.0, 0.9), (3.0, -0.9), (4.0, 0.9), seconds=6.0)
    table = pd.DataFrame(
        {"recording": [str(wave.shape)] * 3, "start": [1.0, 3.0, 5.0], "end": [1.15, 3.15, 5.15], "keyword": ["up"] * 3}
    ).assign(recording=[wave] * 3)
    report = spotter().evaluate(table, noise(0, 60.0))
    # Found is the first; the second is said to be "up" and is heard as "down", the third is silent.
    assert (report.n_words, report.misses) == (3, 2)
    assert report.wrong_in_positives == 3


def test_a_report_has_the_exact_limits_and_a_line_a_keyword() -> None:
    own = spotter(threshold=0.25)
    clips = [say((0.4, level), seconds=1.0) for level in (0.1, 0.9, 0.9, -0.9)]
    report = own.evaluate((clips, ["up", "up", "up", "down"]), noise(0, 900.0), area_up_to=50.0)
    assert (report.misses, report.n_words, report.miss_rate) == (1, 4, 0.25)
    assert report.miss_interval == pytest.approx((0.00631, 0.80588), abs=1e-5)
    assert report.false_accepts == len(own.detect(noise(0, 900.0))) > 0
    assert report.false_accept_interval[0] < report.false_accepts_per_hour < report.upper_bound
    assert report.upper_bound < report.false_accept_interval[1]
    assert report.keywords["keyword"].tolist() == ["down", "up"]
    assert report.keywords[["n_words", "misses"]].to_numpy().tolist() == [[1, 0], [3, 1]]
    assert report.keywords["false_accepts"].sum() == report.false_accepts
    assert 0.25 <= report.area <= 0.3


def test_the_hardest_negatives_come_first_do_not_overlap_and_are_cut_out(tmp_path: Path) -> None:
    first, second = say((1.0, 0.4), (3.0, -0.45)), say((2.0, 0.3), (2.3, 0.2), rate=2 * RATE)
    found = spotter().mine([first, (second, 2 * RATE)], n=3, folder=tmp_path / "hard")
    assert found["recording"].tolist() == ["0", "0", "1"]
    assert found["keyword"].tolist() == ["down", "up", "up"]
    np.testing.assert_allclose(found["score"], [0.45, 0.4, 0.3], atol=1e-6)
    assert found["path"].map(lambda path: Path(path).name).tolist() == [
        "0000_down_0.450.wav",
        "0001_up_0.400.wav",
        "0002_up_0.300.wav",
    ]
    clip, rate = soundfile.read(found["path"][2])
    assert (rate, len(clip)) == (2 * RATE, 0.2 * 2 * RATE)
    assert np.abs(clip).max() == pytest.approx(0.3, abs=1e-3)
    whole = spotter().mine([first, (second, 2 * RATE)], n=50)
    for _, places in whole.groupby("recording"):
        assert (np.diff(np.sort(places["end"])) >= 0.2 - 1e-9).all()


# Mistakes.


def test_parameters_are_checked_in_full_sentences() -> None:
    wave = np.zeros(100)
    assert message_of(ValueError, spotter(threshold=1.5).detect, wave) == (
        "The 'threshold' parameter of KeywordSpotter must be a number greater than 0 and at most 1. Received: 1.5. "
        "Pass a value in that range."
    )
    assert message_of(ValueError, spotter(release=0.8).detect, wave) == (
        "The 'release' parameter of KeywordSpotter must be at most the threshold, 0.5: a detection begins at one and "
        "ends below the other. Received: 0.8. Pass less, or None."
    )
    assert message_of(ValueError, spotter(keywords=["upp"]).detect, wave) == (
        "The 'keywords' parameter of KeywordSpotter must name classes, each once: 'down', 'unknown' and 'up'. "
        "Received: 'upp', which it does not hold. Did you mean 'up'? Pass one or more of these."
    )
    assert message_of(TypeError, spotter(keywords="up").detect, wave) == (
        "The 'keywords' parameter of KeywordSpotter must be a list of labels, or None for all classes. Received: 'up'. "
        "Pass keywords=['up']."
    )


def test_what_cannot_be_listened_to_is_refused_in_full_sentences() -> None:
    assert message_of(TypeError, spotter().detect, 5) == (
        "KeywordSpotter.detect listens to a waveform, a pair (waveform, sample_rate), the path of an audio file, or an "
        "iterable of blocks of samples. Received: 5. Pass one of these."
    )
    assert message_of(ValueError, spotter().detect, np.zeros((500, 2))) == (
        "KeywordSpotter.detect listens to waveforms of shape (time,) or (channels, time) that have samples. Received: "
        "shape (500, 2). The axes look swapped: pass waveform.T."
    )
    assert message_of(ValueError, spotter().detect, (np.zeros(500), 0.5)) == (
        "KeywordSpotter.detect needs the sample rate as a whole number of Hz. Received: 0.5. Pass (waveform, "
        "sample_rate), the waveform first."
    )
    assert message_of(ValueError, spotter().detect, (np.zeros(500), 1000), sample_rate=2000) == (
        "The 'sample_rate' parameter of KeywordSpotter.detect is for sound that does not tell its rate, and this one "
        "has 1000 Hz. Received: 2000. Leave sample_rate out: other rates than the model's are resampled."
    )
    with pytest.raises(FileNotFoundError, match="does not exist"):
        spotter().detect("no such file.wav")


def test_positives_and_negatives_are_checked_in_full_sentences() -> None:
    wave, negatives = say((1.0, 0.9)), np.zeros(1000)
    assert message_of(ValueError, spotter().tune_threshold, ([wave], ["left"]), negatives) == (
        "The positives of KeywordSpotter.tune_threshold must hold some of the keywords, 'down' and 'up'. Received: "
        "'left'. Pass recordings in which keywords are said."
    )
    assert message_of(ValueError, spotter().evaluate, ([wave], ["up", "up"]), negatives) == (
        "The positives of KeywordSpotter.evaluate must have a label for each clip. Received: 1 clip and 2 labels. Pass "
        "(X, y) of one length."
    )
    assert message_of(ValueError, spotter().evaluate, ([wave], ["up"]), []) == (
        "The 'negatives' parameter of KeywordSpotter.evaluate must hold at least one recording. Received: an empty "
        "list. Pass paths, waveforms, or pairs (waveform, sample_rate)."
    )
    assert message_of(ValueError, spotter().evaluate, pd.DataFrame({"recording": [], "start": []}), negatives) == (
        "The positives of KeywordSpotter.evaluate must have the columns recording, start, end and keyword. Received: a "
        "DataFrame without end and keyword. Rename or add these columns; start and end are seconds."
    )
    backwards = pd.DataFrame({"recording": [wave], "start": [2.0], "end": [1.0], "keyword": ["up"]})
    assert message_of(ValueError, spotter().evaluate, backwards, negatives) == (
        "In the positives of KeywordSpotter.evaluate, each word must start at 0 s or later and end after it starts. "
        "Received: row 0 from 2 to 1. Correct these rows; start and end are seconds."
    )
    assert message_of(TypeError, spotter().evaluate, [wave], negatives).startswith(
        "The 'positives' parameter of KeywordSpotter.evaluate must be clips with their labels, (X, y), or a DataFrame "
        "with the columns recording, start, end and keyword (seconds). Received: "
    )
    assert message_of(ValueError, spotter().evaluate, ([wave], ["up"]), [iter([])]) == (
        "The 'negatives' of KeywordSpotter.evaluate must hold sound. Received: recordings without samples. Pass "
        "recordings that can be listened to."
    )


def test_a_spotter_without_ears_says_so() -> None:
    assert message_of(NotFittedError, KeywordSpotter().detect, np.zeros(100)) == (
        "This KeywordSpotter has no classifier to listen with. Received: classifier=None. Call fit(X, y) first, or "
        "pass a fitted classifier or the path of a saved one."
    )
    assert message_of(NotFittedError, KeywordSpotter(quick()).detect, np.zeros(100)).startswith(
        "The classifier of this KeywordSpotter is not fitted."
    )
    assert message_of(ValueError, KeywordSpotter(quick().fit(SERIES, LABELS)).detect, np.zeros(100)) == (
        "The 'classifier' parameter of KeywordSpotter must be fitted on audio. Received: one fitted on series. Fit it "
        "on recordings; bare waveforms are audio if sample_rate=... is given in Hz."
    )
    with pytest.raises(TypeError, match="The 'classifier' parameter of KeywordSpotter must be a SeqCNNClassifier"):
        KeywordSpotter(SeqCNNEmbedder()).detect(np.zeros(100))


# With a network.

CLIPS, WORDS, SPEAKERS = make_spoken_tones(160, n_words=4, seconds=0.4, random_state=0, return_groups=True)
"""40 clips of each of four words at 8,000 Hz."""


def network(**parameters: Any) -> SeqCNNClassifier:
    own = {"encoder__width": 16, "encoder__causal": True, "front_end": "log-mel", "sample_rate": 8000}
    return SeqCNNClassifier("matchboxnet", **(own | {"max_epochs": 12, "n_jobs": 1, "random_state": 0} | parameters))


@pytest.fixture(scope="module")
def trained() -> KeywordSpotter:
    return KeywordSpotter(network(), keywords=["alpha", "bravo"], random_state=0).fit(CLIPS, WORDS)


def test_fit_makes_the_classes_of_the_job_and_leaves_its_parameters_alone(trained: KeywordSpotter) -> None:
    assert trained.classifier_.classes_.tolist() == ["alpha", "bravo", "silence", "unknown"]
    assert trained.keywords_ == ["alpha", "bravo"]
    assert not hasattr(trained.classifier, "classes_")
    labels = pd.Series(trained._clips.labels).value_counts()
    assert labels.to_dict() == {"unknown": 80, "alpha": 40, "bravo": 40, "silence": 40}
    assert {wave.shape for wave in trained._clips.waves} == {(1, trained.classifier_.model_.record_length)}
    other, words = make_spoken_tones(80, n_words=4, seconds=0.4, random_state=1)
    assert trained.score(other, words) > 0.75


def test_a_trained_spotter_hears_words_in_a_row_and_the_same_in_pieces(trained: KeywordSpotter) -> None:
    clips, words = make_spoken_tones(16, n_words=4, seconds=0.4, random_state=2)
    pause = np.zeros(8000, np.float32)
    wave = np.concatenate([part for clip in clips for part in (pause, clip)])
    found = trained.detect(wave)
    said = [word for word in words if word in ("alpha", "bravo")]
    assert len(found) >= len(said) - 3
    assert np.mean([word in said for word in found["keyword"]]) > 0.7
    listener, heard = trained.listen(8000), []
    for begin in range(0, len(wave), 1237):
        heard += listener.push(wave[begin : begin + 1237])
    heard += listener.finish()
    pd.testing.assert_frame_equal(pd.DataFrame(heard).astype({"keyword": object}), found, rtol=1e-4, atol=1e-4)


def test_unknown_words_are_thinned_evenly_and_words_of_noise_become_silence() -> None:
    own = KeywordSpotter(network(max_epochs=1), keywords=["alpha"], random_state=0)
    own.fit([*CLIPS, *CLIPS[:5]], [*WORDS, *["_background_noise_"] * 5], noise=[np.full(9000, 0.01, np.float32)])
    labels = pd.Series(own._clips.labels).value_counts()
    assert labels.to_dict() == {"alpha": 40, "unknown": 40, "silence": 40}
    silence = own._clips.waves[-1]
    assert np.ptp(silence) == 0
    assert 0 < silence.max() <= 0.01


def test_groups_travel_with_the_clips() -> None:
    own = KeywordSpotter(network(max_epochs=2, early_stopping=True), random_state=0).fit(CLIPS, WORDS, groups=SPEAKERS)
    assert "validation_score" in own.classifier_.history_


def test_mined_clips_are_taken_in_by_going_on(trained: KeywordSpotter) -> None:
    own = KeywordSpotter(network(), keywords=["alpha", "bravo"], random_state=0).fit(CLIPS, WORDS)
    hard, _ = make_spoken_tones(12, n_words=4, seconds=0.4, random_state=5)
    hard = [0.8 * wave[::-1].copy() for wave in hard]  # words said backwards are none
    before = own.decision_function(hard).max(1).mean()
    own.fit_more(hard, max_epochs=4)
    assert len(own.classifier_.history_) == 16
    assert own.decision_function(hard).max(1).mean() < before
    assert (own.classifier_.warm_start, own.classifier_.max_epochs) == (False, 12)
    assert own.score(CLIPS, WORDS) > 0.8
    copy = pickle.loads(pickle.dumps(own))
    assert message_of(ValueError, copy.fit_more, hard) == (
        "KeywordSpotter.fit_more goes on from fit, with the clips that it was given, which are not saved. Received: a "
        "spotter that has none. Call fit on all clips, the further ones among them."
    )
    np.testing.assert_array_equal(copy.predict(CLIPS[:9]), own.predict(CLIPS[:9]))


def test_a_saved_spotter_keeps_its_threshold_and_its_words(trained: KeywordSpotter, tmp_path: Path) -> None:
    own = KeywordSpotter(trained.classifier_, keywords=["alpha"], refractory_seconds=0.3)
    with_warnings(own.tune_threshold, (CLIPS[:9], WORDS[:9]), [np.concatenate(CLIPS)])
    own.save(tmp_path / "spotter.seqcnn")
    loaded = KeywordSpotter.load(tmp_path / "spotter.seqcnn")
    assert (loaded.threshold_, loaded.keywords_, loaded.refractory_seconds) == (own.threshold_, ["alpha"], 0.3)
    wave = np.concatenate(CLIPS[:20])
    pd.testing.assert_frame_equal(loaded.detect(wave), own.detect(wave))
    classifier = seqcnn.load(tmp_path / "spotter.seqcnn")
    assert isinstance(classifier, SeqCNNClassifier)
    classifier.save(tmp_path / "classifier.seqcnn")
    assert KeywordSpotter.load(tmp_path / "classifier.seqcnn").keywords_ == ["alpha", "bravo"]
    by_path = KeywordSpotter(str(tmp_path / "spotter.seqcnn"), keywords=["alpha"])
    np.testing.assert_array_equal(by_path.decision_function(CLIPS[:5]), own.decision_function(CLIPS[:5]))


def test_a_clone_keeps_a_frozen_classifier_and_unfits_a_bare_one(trained: KeywordSpotter) -> None:
    frozen = clone(KeywordSpotter(FrozenEstimator(trained.classifier_), threshold=0.3))
    assert frozen.threshold == 0.3
    assert frozen.predict(CLIPS[:3]).shape == (3,)
    assert message_of(NotFittedError, clone(KeywordSpotter(trained.classifier_)).predict, CLIPS[:3]).endswith(
        "(scikit-learn's clone unfits it: pass FrozenEstimator(classifier) where spotters are cloned.)"
    )
    assert message_of(TypeError, frozen.fit, CLIPS, WORDS) == (
        "KeywordSpotter.fit trains a copy of its classifier. Received: FrozenEstimator, which cannot be trained. Pass "
        "classifier=SeqCNNClassifier(...), or use the spotter as it is, without fit."
    )


# Words of one's own.


@pytest.fixture(scope="module")
def own_words() -> tuple[Any, Any]:
    clips, words = make_spoken_tones(120, n_words=6, seconds=0.4, random_state=3)
    return clips, words


def test_a_personal_word_is_heard_beside_the_trained_ones(
    trained: KeywordSpotter, own_words: Any, tmp_path: Path
) -> None:
    clips, words = own_words
    foxtrot = [clip for clip, word in zip(clips, words, strict=True) if word == "foxtrot"]
    rest = [clip for clip, word in zip(clips, words, strict=True) if word != "foxtrot"]
    own = KeywordSpotter(trained.classifier_, keywords=["alpha", "bravo"])
    own.enrol("foxtrot", foxtrot[:10], rest[:60])
    assert own.keywords_ == ["alpha", "bravo", "foxtrot"]
    scores = own.decision_function(foxtrot[10:])[:, 2]
    others = own.decision_function(rest[60:])[:, 2]
    better = np.mean(scores[:, None] > others[None])  # the area under the ROC curve
    assert better > 0.85
    # The trained words are what they were.
    np.testing.assert_allclose(own.decision_function(rest[:5])[:, :2], trained.decision_function(rest[:5]), atol=1e-6)
    pause = np.zeros(6000, np.float32)
    wave = np.concatenate([part for clip in foxtrot[10:14] for part in (pause, clip)])
    found = own.set_params(keywords=["alpha"], threshold=0.3).detect(wave)
    assert (found["keyword"] == "foxtrot").sum() >= 2
    own.save(tmp_path / "own.seqcnn")
    pd.testing.assert_frame_equal(KeywordSpotter.load(tmp_path / "own.seqcnn").detect(wave), found)


def test_streamed_scores_of_personal_words_are_those_of_clips(trained: KeywordSpotter, own_words: Any) -> None:
    clips, words = own_words
    echo = [clip for clip, word in zip(clips, words, strict=True) if word == "echo"]
    personal = PersonalKeywords(trained.classifier_).enrol("echo", echo[:6], clips[:40])
    length = personal.model_.record_length
    wave = np.resize(echo[7], length).astype(np.float32)
    stream = personal.stream(8000)
    rows = stream.push(wave[: stream.hop_length * 4])
    np.testing.assert_allclose(rows[-1], personal.predict_proba([wave[: stream.hop_length * 4]])[0], atol=1e-4)
    assert stream.classes.tolist() == ["alpha", "bravo", "silence", "unknown", "echo"]


def test_an_embedder_has_ears_for_personal_words_alone(own_words: Any) -> None:
    clips, words = own_words
    shared = {name: value for name, value in network().get_params().items() if name in SeqCNNEmbedder().get_params()}
    embedder = SeqCNNEmbedder(**shared, encoder__width=16, encoder__causal=True).fit(CLIPS, WORDS)
    foxtrot = [clip for clip, word in zip(clips, words, strict=True) if word == "foxtrot"]
    own = KeywordSpotter(PersonalKeywords(embedder).enrol("foxtrot", foxtrot[:8], CLIPS[:30]))
    assert own.keywords_ == ["foxtrot"]
    assert own.predict(foxtrot[8:12]).tolist().count("foxtrot") >= 2


def test_enrolment_is_checked_in_full_sentences(trained: KeywordSpotter) -> None:
    personal = PersonalKeywords(trained.classifier_)
    assert message_of(ValueError, personal.enrol, "alpha", CLIPS[:5], CLIPS) == (
        "The 'keyword' parameter of PersonalKeywords.enrol must be a new word. Received: 'alpha', which the estimator "
        "was trained on. Pass another name."
    )
    assert message_of(ValueError, personal.enrol, "hey", CLIPS[:1], CLIPS).startswith(
        "PersonalKeywords.enrol needs two recordings of the word at least, five to be of use, and negatives of 10 "
        "windows. Received: 1 recording, and negatives of "
    )
    assert message_of(ValueError, personal.enrol, "hey", [], CLIPS) == (
        "The 'recordings' parameter of PersonalKeywords.enrol must be a list of recordings, at least one. Received: "
        "[]. Pass paths, waveforms, or pairs (waveform, sample_rate)."
    )
    _, warned = with_warnings(personal.enrol, "hey", [CLIPS[0]] * 3, CLIPS[:20])
    assert warned == ["'hey' was enrolled from 3 recordings; it takes five to twenty to find a word again."]
    assert message_of(ValueError, KeywordSpotter(trained.classifier_).enrol, "hey", CLIPS[:5]) == (
        "The 'negatives' parameter of KeywordSpotter.enrol may be left out only after fit in the same process. "
        "Received: None. Pass recordings without the word: other speech, and the room."
    )
