"""Where a tensor's channels lie in memory, and which computation a convolution takes: a fixed table.

On a CPU, 1D convolution is faster when the channels of one time step lie side by side and the sequence is treated as an
image one pixel high. A ``(batch, channels, time)`` tensor can have that layout and keep its shape:
:func:`channels_innermost` arranges it once at the start of an encoder and :func:`as_image` and :func:`as_sequence` are
free views, so nothing is copied from layer to layer.

The table :data:`RULES` was made by measurement (``benchmarks/layout.py`` measures every path on every class of shapes,
and marks where the rule is not the fastest). It is fixed, never a timing at run time: the same seed has to give
the same bits. ``seqcnn info`` prints it, :func:`override_path` takes another path for a while.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from seqcnn._checks import check_choice

Path: TypeAlias = Literal["plain", "image", "windows", "product", "products", "depthwise"]
"""How a convolution is computed.

- plain: ``torch.nn.functional.conv1d``, the reference, and the fallback for whatever the table does not name;
- image: ``conv2d`` over an image one pixel high, channels innermost;
- windows: the input's windows times the kernels, one matrix product (for few channels and a long output);
- product: a kernel of one tap, which is a matrix product over the channels of each step;
- products: one tap over groups of channels, a matrix product for each group;
- depthwise: an image each for the output, the input's gradient and the weights' gradient, in the shape that is fastest
  for each, and dilation as a view.
"""


@dataclass(frozen=True)
class Shape:
    """What the table looks at."""

    in_channels: int
    out_channels: int
    groups: int
    kernel_size: int
    stride: int
    dilation: int
    wants_input_gradient: bool


@dataclass(frozen=True)
class Rule:
    """A line of the table: the class of shapes in words and as a test, and the path it takes."""

    shapes: str
    path: Path

    def holds(self, shape: Shape) -> bool:
        """Tell whether a shape is of this class."""
        if not computes(self.path, shape):
            return False
        match self.path:
            case "windows":
                first = not shape.wants_input_gradient
                return first and shape.in_channels == 1 and shape.kernel_size <= _MOST_TAPS
            case "depthwise":
                return shape.kernel_size >= _LEAST_TAPS or shape.dilation > 1
            case _:
                return True


def computes(path: Path, shape: Shape) -> bool:
    """Tell whether a path can compute this shape at all."""
    match path:
        case "product":
            return shape.groups == shape.kernel_size == shape.stride == 1
        case "products":
            return 1 < shape.groups < shape.in_channels and shape.kernel_size == shape.stride == 1
        case "windows":
            return shape.groups == 1
        case "depthwise":
            one_each = shape.groups == shape.in_channels == shape.out_channels
            return one_each and (shape.stride == 1 or shape.dilation == 1)
        case _:
            return True


_MOST_TAPS = 128
"""Taps beyond which the copied windows would take more memory than the path is worth."""

_LEAST_TAPS = 5
"""Taps below which a depthwise kernel is so little work that arranging it anew costs more than it brings."""

_LITTLE_WORK = 2**17
"""Numbers in the windows of a batch up to which the time goes into calling operations, not into what they compute."""

RULES = (
    Rule("CPU, float32 or bfloat16: dense, one tap, stride 1", "product"),
    Rule("CPU, float32 or bfloat16: in groups of several channels, one tap, stride 1", "products"),
    Rule(
        f"CPU, float32 or bfloat16: dense, one channel and at most {_MOST_TAPS} taps in, first of a network", "windows"
    ),
    Rule("CPU, float32 (also under bfloat16): depthwise of 5 taps or more, or dilated", "depthwise"),
    Rule("CPU, float32 or bfloat16: any other", "image"),
)
"""Looked through from the first to the last; float64, other devices and exported programs take "plain"."""

_overridden: Path | None = None


def choose_path(x: Tensor, shape: Shape) -> Path:
    """Return the path that a convolution of this shape takes on ``x``."""
    if not prefers_channels_innermost(x) or torch.compiler.is_compiling():
        return "plain"
    if _overridden is not None:
        return _overridden if computes(_overridden, shape) else "image"
    return next(rule.path for rule in RULES if rule.holds(shape))


def is_little_work(x: Tensor, shape: Shape) -> bool:
    """Tell whether a step of training is better done as few operations as there can be, whatever they compute."""
    return (
        prefers_channels_innermost(x)
        and _overridden is None
        and x.dtype == torch.float32
        and shape.groups == shape.stride == 1
        and 0 < x.numel() * shape.kernel_size <= _LITTLE_WORK
        and not torch.is_autocast_enabled(x.device.type)
        and not torch.compiler.is_compiling()
    )


@contextmanager
def override_path(path: Path | None) -> Iterator[None]:
    """Let every convolution inside the block take this path; None is the table again.

    A path that cannot compute a shape (``"depthwise"`` for a dense kernel) gives way to ``"image"``.

    Raises
    ------
    ValueError
        If there is no such path.

    Examples
    --------
    >>> from seqcnn.layers import Conv1d
    >>> x = torch.ones(1, 2, 5)
    >>> with override_path("plain"):
    ...     Conv1d(2, 3, 3, padding="same")(x).shape
    torch.Size([1, 3, 5])
    """
    global _overridden
    check_choice("path", path, [*get_args(Path), None], caller="override_path")
    before, _overridden = _overridden, path
    try:
        yield
    finally:
        _overridden = before


def describe_rules() -> list[tuple[str, str]]:
    """Return the table in words: a class of shapes and its path a line.

    >>> describe_rules()[-1]
    ('anything else (float64, other devices, exported programs)', 'plain')
    """
    little = f"CPU, float32: training of a block, dense, stride 1, at most {_LITTLE_WORK} numbers in a batch's windows"
    return [
        (little, "windows, convolution to ReLU as one step of autograd"),
        *((rule.shapes, rule.path) for rule in RULES),
        ("anything else (float64, other devices, exported programs)", "plain"),
    ]


def prefers_channels_innermost(x: Tensor) -> bool:
    """Tell whether networks are faster on ``x`` with its channels innermost.

    Float64 has no such kernels, and on other devices than the CPU nothing has been measured yet.
    """
    return x.device.type == "cpu" and x.dtype in (torch.float32, torch.bfloat16)


def channels_innermost(x: Tensor) -> Tensor:
    """Arrange ``(batch, channels, time)`` with the channels innermost where that is faster; the values stay."""
    return x.transpose(1, 2).contiguous().transpose(1, 2) if prefers_channels_innermost(x) else x


def as_image(x: Tensor) -> Tensor:
    """View ``(batch, channels, time)`` as ``(batch, channels, 1, time)``."""
    return x.unsqueeze(2)


def as_sequence(x: Tensor) -> Tensor:
    """View ``(batch, channels, 1, time)`` as ``(batch, channels, time)``."""
    return x.squeeze(2)
