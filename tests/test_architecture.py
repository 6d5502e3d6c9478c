"""Imports point down only, and importing the package costs next to nothing."""

import ast
import json
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import seqcnn

ROOT = Path(seqcnn.__file__).parent

# Lowest first. A module imports from the levels below its own; those of one level know nothing of each other.
LEVELS = (
    {"_checks", "_types"},
    {"json_values", "model_file"},
    {"rebuilding"},
    {"layers", "symmetric"},
    {"front_ends"},
    {
        "inputs",
        "windows",
        "stems",
        "static_scaler",
        "augment",
        "encoders",
        "heads",
        "losses",
        "calibration",
        "weighting",
        "conformal",
        "reliability",
        "allocation",
        "schedule",
        "flat_parameters",
        "progress",
        "callbacks",
        "cost",
    },
    {"network", "batches", "aggregate", "descent", "forest"},
    {"committee"},
    {"inference", "threads", "piecewise", "leaving_out"},
    {"cross_fitting"},
    {"training", "closed_form", "continuous"},
    {"ridge_in_parts", "growing"},
    {"model", "solving"},
    {"saving", "streaming"},
    {"estimators"},
    {"spotting"},
    {"demo", "info", "plots"},
    {"cli"},
    {"__main__"},
)
BELOW = {name: set().union(*LEVELS[:level]) for level, names in enumerate(LEVELS) for name in names}
BELOW["datasets"] = LEVELS[0]
BELOW["demo"] |= {"datasets"}
BELOW["cli"] |= {"datasets"}

FILES = {
    ".".join(("seqcnn", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
    if path != ROOT / "__init__.py"
}


def imports_of(module: str) -> Iterator[tuple[str, bool]]:
    """Yield each imported module, in full, and whether the import stands inside a function."""
    tree = ast.parse(FILES[module].read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside = {id(node) for function in functions for node in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            for alias in node.names:
                longer = f"{node.module}.{alias.name}"
                yield (longer if longer in FILES else str(node.module)), id(node) in inside


def importers_of(*packages: str) -> dict[str, list[bool]]:
    """Return who imports one of these packages: the top module, and for each import whether a function holds it."""
    found = defaultdict(list)
    for module in FILES:
        for name, in_function in imports_of(module):
            if name.split(".")[0] in packages:
                found[module.split(".")[1]].append(in_function)
    return found


def run_fresh(code: str) -> object:
    """Run code in a new interpreter and return what it prints as JSON."""
    done = subprocess.run([sys.executable, "-c", f"import json, sys\n{code}"], capture_output=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("module", FILES)
def test_a_module_imports_only_from_levels_below_its_own(module):
    top = module.split(".")[1]
    assert top in BELOW, f"give {top} a place in LEVELS"
    used = {name.split(".")[1] for name, _ in imports_of(module) if name.startswith("seqcnn.")}
    assert used - {top} <= BELOW[top]


def test_no_file_imports_the_package_itself():
    assert not [module for module in FILES if "seqcnn" in {name for name, _ in imports_of(module)}]


def test_files_import_each_other_without_circles():
    graph = {module: {name for name, _ in imports_of(module)} & FILES.keys() for module in FILES}
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_cutting_windows_and_the_sentences_of_errors_need_no_torch():
    assert not importers_of("torch").keys() & {"windows", "aggregate", "_checks", "_types", "datasets"}


def test_only_the_estimators_the_spotter_the_data_sets_and_the_plots_know_scikit_learn():
    importers = importers_of("sklearn")
    assert all(importers.pop("growing"))  # inside a function: what was grown needs no scikit-learn
    assert importers.keys() <= {"estimators", "datasets", "plots", "spotting"}


def test_what_reads_and_writes_audio_files_is_imported_where_it_is_used():
    importers = importers_of("soundfile", "torchaudio")
    assert importers.keys() <= {"inputs", "datasets"}
    assert all(in_function for places in importers.values() for in_function in places)


def test_importing_the_package_loads_nothing_heavy():
    heavy = {"torch", "pandas", "sklearn", "scipy", "matplotlib", "rich", "torchaudio", "soundfile", "onnx"}
    assert heavy.isdisjoint(run_fresh("import seqcnn; print(json.dumps(list(sys.modules)))"))


def test_names_are_loaded_when_they_are_first_used():
    code = "import seqcnn; names = seqcnn.list_encoders(); print(json.dumps([names, 'sklearn' in sys.modules]))"
    assert run_fresh(code) == [seqcnn.list_encoders(), False]


def test_dir_lists_the_public_names_and_all_of_them_exist():
    assert set(seqcnn.__all__) <= set(dir(seqcnn))
    assert [getattr(seqcnn, name).__name__.removeprefix("seqcnn.") for name in seqcnn.__all__] == seqcnn.__all__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError) as error:
        seqcnn.SeqCNNClasifier  # noqa: B018
    assert str(error.value) == "module 'seqcnn' has no attribute 'SeqCNNClasifier'"


def test_the_extra_all_holds_what_the_other_extras_for_users_hold():
    extras = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for_users = {name: extra for name, extra in extras.items() if name not in ("all", "dev")}
    assert sorted(extras["all"]) == sorted(set().union(*for_users.values()))
