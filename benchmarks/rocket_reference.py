"""What aeon's MiniRocket, MultiRocket and Hydra make of a few series, for tests/test_encoder_rocket.py to compare with.

Run in an environment that has aeon and torch (this library is not needed there)::

    python benchmarks/rocket_reference.py

It writes tests/fixtures/rocket_reference.npz: the series, the parameters that aeon fitted, and its features. The
features of the difference are those that aeon's own function gives for the differenced series in the place of the
series: in its transform, the left taps of a kernel on the difference lie one step too near, and several channels are
mixed otherwise than when the biases were taken.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from aeon.transformations.collection.convolution_based import HydraTransformer, MiniRocket, MultiRocket
from aeon.transformations.collection.convolution_based import _multirocket as multirocket

FIXTURE = Path(__file__).parent.parent / "tests" / "fixtures" / "rocket_reference.npz"
SHAPES = {"even": (4, 1, 60), "odd": (4, 1, 73), "channels": (4, 3, 41), "many": (4, 12, 50)}
"""Records, channels and time steps."""
SEED = 7
N_SHOWN = 2
"""Records whose features are kept."""


def series(shape: tuple[int, int, int]) -> np.ndarray:
    """Return random walks: no two answers of a kernel to them are equal, so that rounding decides nothing."""
    return np.random.default_rng(SEED).standard_normal(shape).cumsum(axis=2).astype(np.float32)


def minirocket(x: np.ndarray) -> dict[str, np.ndarray]:
    transformer = MiniRocket(n_kernels=84 * 6, random_state=SEED).fit(x)
    return {**parameters(transformer.parameters), "features": transformer.transform(x[:N_SHOWN])}


def multirocket_views(x: np.ndarray) -> dict[str, np.ndarray]:
    transformer = MultiRocket(n_kernels=84 * 4, random_state=SEED).fit(x)
    found = {}
    views = {"series": (x, transformer.parameter), "difference": (np.diff(x), transformer.parameter1)}
    for name, (view, fitted) in views.items():
        run = multirocket._transform_uni if x.shape[1] == 1 else multirocket._transform_multi
        shown = view[:N_SHOWN, 0] if x.shape[1] == 1 else view[:N_SHOWN]
        features = run(shown, np.diff(shown), fitted, fitted, 4, MultiRocket._indices, SEED)
        found |= {f"{name}_{key}": value for key, value in parameters(fitted).items()}
        found[f"{name}_features"] = features[:, : features.shape[1] // 2]
    return found


def hydra(x: np.ndarray) -> dict[str, np.ndarray]:
    transformer = HydraTransformer(n_groups=4, random_state=SEED, output_type="numpy").fit(x)
    inside = transformer._hydra
    return {
        "kernels": inside.W.numpy(),
        "channels": np.stack([drawn.numpy() for drawn in inside.idx]).astype(np.int8),
        "features": transformer.transform(x[:N_SHOWN]),
    }


def parameters(fitted: tuple[np.ndarray, ...]) -> dict[str, np.ndarray]:
    """Name what aeon keeps in a tuple; of one channel it may leave out which."""
    names = ["n_channels", "channels", "dilations", "counts", "biases"][-len(fitted) :]
    return {
        name: value if name == "biases" else value.astype(np.int8) for name, value in zip(names, fitted, strict=True)
    }


def main() -> None:
    found: dict[str, np.ndarray] = {"seed": np.array(SEED), "n_shown": np.array(N_SHOWN)}
    for case, shape in SHAPES.items():
        x = series(shape)
        found[f"{case}/x"] = x
        runs = {"minirocket": minirocket, "hydra": hydra}
        if case in ("even", "channels"):  # 16 numbers for each bias: two cases are enough to keep the file small
            runs["multirocket"] = multirocket_views
        for name, run in runs.items():
            found |= {f"{case}/{name}/{key}": value for key, value in run(x).items()}
    FIXTURE.parent.mkdir(exist_ok=True)
    np.savez_compressed(FIXTURE, **found)
    print(f"{FIXTURE}: {FIXTURE.stat().st_size / 1000:.1f} kB")


if __name__ == "__main__":
    main()
