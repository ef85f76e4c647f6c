"""The int8 form: near the fp32 scores, the same whatever is scored beside, kept in the cache and safe there."""

from __future__ import annotations

import importlib.util
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from fimiscope.bundle import Bundle, files, int8
from fimiscope.bundle.encoder import EncoderModel
from fimiscope.bundle.int8 import int8_graph, quantized
from fimiscope.bundle.windows import WindowLayout
from fimiscope.errors import BundleError, ConfigError, MissingExtra
from fimiscope.predict import Predictor
from fimiscope.records import Article

FORMS = ("fp32", "int8")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FIMISCOPE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def checksum(bundle: Path) -> str:
    return str(files.verify(bundle).files[files.GRAPH]["sha256"])


@pytest.fixture(scope="module")
def exact() -> None:
    """A processor that multiplies eight-bit numbers without error; int8 is refused on others."""
    if not int8._multiplies_rightly():
        pytest.skip("this processor's eight-bit products saturate: int8 is refused here")


@pytest.fixture(scope="module", params=FORMS)
def encoder(request: pytest.FixtureRequest, tiny_bundle: Path) -> EncoderModel:
    graph = tiny_bundle / files.GRAPH
    if request.param == "int8":
        request.getfixturevalue("exact")
        graph = int8_graph(graph, checksum(tiny_bundle))
    layout = WindowLayout.from_dict(files.read_json(tiny_bundle / files.WINDOWS))
    return EncoderModel.load(graph, tiny_bundle / files.TOKENIZER, layout, threads=2)


WORDS = st.lists(st.text("abcdefghijklmnopqrstuvwxyzéà", min_size=1, max_size=9), min_size=1, max_size=200).map(
    " ".join
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents=st.lists(WORDS, min_size=2, max_size=6))
def test_scores_do_not_depend_on_what_is_scored_beside(encoder: EncoderModel, documents: list[str]) -> None:
    together = encoder.logits(documents)
    alone = np.concatenate([encoder.logits([document]) for document in documents])
    assert (together == alone).all()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents=st.lists(WORDS, min_size=2, max_size=6))
def test_padding_and_batches_change_no_score(encoder: EncoderModel, documents: list[str]) -> None:
    """As a GPU gets them: windows of several lengths in one run."""
    batched = EncoderModel(encoder._session, encoder._tokenizer, encoder.layout, batch_tokens=4096)
    np.testing.assert_allclose(batched.logits(documents), encoder.logits(documents), rtol=0, atol=1e-5)


@pytest.mark.usefixtures("exact")
def test_int8_is_near_fp32_and_not_the_same(tiny_bundle: Path) -> None:
    articles = [Article(str(n), f"Le ministre a dit {n} fois que le pont ouvre dimanche à Niamey.") for n in range(8)]
    by_form = [
        [verdict.flag_probability or 0.0 for verdict in Predictor.load(tiny_bundle, precision=form).predict(articles)]
        for form in FORMS
    ]
    apart = np.abs(np.subtract(*by_form))
    assert 0 < apart.max() < 0.05


def test_word_vectors_and_layers_are_stored_in_a_byte_each(tiny_bundle: Path) -> None:
    model = quantized(onnx.load_model(str(tiny_bundle / files.GRAPH)))
    large = [one for one in model.graph.initializer if len(one.dims) == 2 and min(one.dims) >= 32]
    in_bytes = [one for one in large if one.data_type == TensorProto.INT8]
    assert len(in_bytes) >= 7  # the word vectors, and six matrices in each layer
    heads = [node for node in model.graph.node if node.op_type == "MatMul"]
    constants = {one.name for one in model.graph.initializer}
    assert sum(node.input[1] in constants for node in heads) == 3


@pytest.mark.usefixtures("exact")
def test_a_second_run_takes_the_kept_form_and_a_damaged_one_is_made_anew(
    tiny_bundle: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = int8_graph(tiny_bundle / files.GRAPH, checksum(tiny_bundle))
    whole = made.read_bytes()
    stamp = made.stat().st_mtime_ns
    assert int8_graph(tiny_bundle / files.GRAPH, checksum(tiny_bundle)) == made
    assert made.stat().st_mtime_ns == stamp
    made.write_bytes(whole[:-100])
    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(MissingExtra, match=r"onnx is not installed: run .* -e '\.\[ready\]'"):
            int8_graph(tiny_bundle / files.GRAPH, checksum(tiny_bundle))
    assert int8_graph(tiny_bundle / files.GRAPH, checksum(tiny_bundle)) == made
    assert made.read_bytes() == whole
    assert [path.name for path in (cache / "int8").iterdir()] == [made.name]


@pytest.mark.usefixtures("exact")
def test_processes_that_make_it_at_once_do_not_harm_each_other(tiny_bundle: Path, cache: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(int8_graph, tiny_bundle / files.GRAPH, checksum(tiny_bundle)) for _ in range(6)]
        [made] = {job.result() for job in jobs}
    assert list((cache / "int8").iterdir()) == [made]
    assert made == int8_graph(tiny_bundle / files.GRAPH, checksum(tiny_bundle))


@pytest.mark.usefixtures("exact")
def test_another_graph_has_another_form(tiny_bundle: Path, cache: Path, tmp_path: Path) -> None:
    made = int8_graph(tiny_bundle / files.GRAPH, checksum(tiny_bundle))
    other = int8_graph(tiny_bundle / files.GRAPH, "0" * 64)
    assert made != other


def test_a_graph_without_matrices_is_refused() -> None:
    states = helper.make_tensor_value_info("ids", TensorProto.FLOAT, [1])
    evidence = helper.make_tensor_value_info("evidence", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Identity", ["ids"], ["evidence"])], "empty", [states], [evidence])
    with pytest.raises(BundleError, match="no matrices"):
        quantized(helper.make_model(graph))


def test_eight_bit_products_are_exact_here_or_int8_is_refused(
    tiny_bundle: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8, "_multiplies_rightly", lambda: False)
    with pytest.raises(ConfigError, match="saturate; use --precision fp32"):
        int8_graph(tiny_bundle / files.GRAPH, checksum(tiny_bundle))
    assert not cache.exists()


def test_unknown_and_impossible_forms_are_refused(tiny_bundle: Path) -> None:
    with pytest.raises(ConfigError, match="precision 'int4' is unknown: choose fp32, int8"):
        Bundle.load(tiny_bundle, precision="int4")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="use --precision fp32 with --device cuda"):
        Bundle.load(tiny_bundle, precision="int8", device="cuda")
    with pytest.raises(ConfigError, match="device 'tpu' is unknown: choose cpu, cuda"):
        Bundle.load(tiny_bundle, device="tpu")  # type: ignore[arg-type]


@pytest.mark.usefixtures("exact")
def test_verdicts_of_one_form_do_not_go_on_where_another_ended(tiny_bundle: Path) -> None:
    one, other = (Predictor.load(tiny_bundle, precision=form) for form in FORMS)
    assert one.job != other.job
    assert one.job == Predictor(replace(one.bundle)).job


def test_a_gpu_that_is_not_there_is_one_line(tiny_bundle: Path) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    with pytest.raises(ConfigError, match="pip install onnxruntime-gpu"):
        Bundle.load(tiny_bundle, device="cuda")


@pytest.mark.usefixtures("exact")
def test_the_form_needs_the_source_graph_once(tiny_bundle: Path, cache: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny_bundle, copy)
    made = int8_graph(copy / files.GRAPH, checksum(copy))
    (copy / files.GRAPH).unlink()
    assert int8_graph(copy / files.GRAPH, checksum(tiny_bundle)) == made
