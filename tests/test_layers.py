"""The layers against torch's own, and against loops, with and without padding."""

import copy
from typing import get_args

import pytest
import torch
import torch.nn.functional as F
from core_helpers import relative_error
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from seqcnn.layers import BatchNorm1d, BinPool1d, Conv1d, MaxPool1d, hide_padding, length_mask, stride_mask
from seqcnn.layers.blocks import ConvBlock
from seqcnn.layers.layout import Path, Shape, choose_path, is_little_work, override_path
from seqcnn.layers.memory import begin_stream, end_stream
from seqcnn.layers.parallel import convolve_side_by_side
from seqcnn.layers.pieces import arrange_kernel, convolve_piece

SEEDS = st.integers(0, 2**16)


def arrange(x, layout):
    """Return the same values as a contiguous tensor, with channels innermost, or cut out of a larger tensor."""
    if layout == "contiguous":
        return x.contiguous()
    if layout == "channels innermost":
        return x.transpose(1, 2).contiguous().transpose(1, 2)
    return torch.stack([x, x], -1)[..., 0]


def reference_convolution(conv, x):
    """Pad by hand, then convolve as torch does."""
    if conv.padding == "valid":
        left = right = 0
    elif conv.padding_left or conv.padding_right:
        span = conv.dilation[0] * (conv.kernel_size[0] - 1)
        left = span if conv.padding_left > conv.padding_right else span // 2  # causal, or same
        right = span - left
    else:
        left = right = conv.padding[0]
    return F.conv1d(F.pad(x, (left, right)), conv.weight, conv.bias, conv.stride, 0, conv.dilation, conv.groups)


def outputs_and_gradients(conv, function, x, *, first=False):
    """Return the output and all gradients; the first layer of a network has no use for its input's."""
    conv.zero_grad()
    x = x.clone().requires_grad_(not first)
    output = function(x)
    generator = torch.Generator().manual_seed(0)
    output.backward(torch.randn(output.shape, dtype=torch.float64, generator=generator).to(output.dtype))
    gradients = [parameter.grad.clone() for parameter in conv.parameters()]
    return [output.detach(), *([] if first else [x.grad]), *gradients]


@st.composite
def convolutions(draw):
    kind = draw(st.sampled_from(["dense", "dense", "grouped", "depthwise", "depthwise"]))
    groups = 1 if kind == "dense" else draw(st.integers(2, 5))
    out_of_one = 1 if kind == "depthwise" else draw(st.integers(1, 3))
    conv = Conv1d(
        groups * (1 if kind == "depthwise" else draw(st.integers(1, 5))),
        groups * out_of_one,
        draw(st.integers(1, 12)),
        stride=draw(st.integers(1, 4)),
        padding=draw(st.sampled_from(["same", "same", "causal", "valid", 0, 1, 5])),
        dilation=draw(st.integers(1, 4)),
        groups=groups,
        bias=draw(st.booleans()),
    )
    for parameter in conv.parameters():
        nn.init.normal_(parameter)
    return conv


@settings(deadline=None, max_examples=200)
@given(
    conv=convolutions(),
    n_timepoints=st.integers(1, 40),
    batch=st.integers(1, 3),
    double=st.booleans(),
    first=st.booleans(),
    layout=st.sampled_from(range(3)),
    path=st.sampled_from([None, None, None, *get_args(Path)]),
    seed=SEEDS,
)
def test_convolution_gives_torchs_numbers_and_gradients(conv, n_timepoints, batch, double, first, layout, path, seed):
    conv.double() if double else conv.float()
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, conv.in_channels, n_timepoints, generator=generator, dtype=conv.weight.dtype)
    sides = conv.padding if isinstance(conv.padding, tuple) else (0,)
    assume(n_timepoints + conv.padding_left + conv.padding_right + 2 * sides[0] >= conv.span)
    x = arrange(x, ("contiguous", "channels innermost", "sliced")[layout])
    with override_path(path):
        actual = outputs_and_gradients(conv, conv, x, first=first)
    expected = outputs_and_gradients(conv, lambda x: reference_convolution(conv, x), x, first=first)
    for ours, theirs in zip(actual, expected, strict=True):
        assert relative_error(ours, theirs) < (1e-12 if double else 1e-5)


# Long dilated depthwise kernels are where oneDNN was seen to crash (weight gradients in bfloat16) and to be slowest;
# strided kernels of one tap over few channels are where wrong weight gradients were reported.
@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"in_channels": 32, "out_channels": 32, "groups": 32, "kernel_size": 41, "dilation": 4, "padding": "same"},
        {"in_channels": 32, "out_channels": 32, "groups": 32, "kernel_size": 20, "dilation": 2, "padding": "same"},
        {"in_channels": 32, "out_channels": 32, "groups": 32, "kernel_size": 41, "padding": "causal"},
        {"in_channels": 3, "out_channels": 8, "kernel_size": 1, "stride": 2, "padding": "same"},
        {"in_channels": 1, "out_channels": 8, "kernel_size": 1, "stride": 4, "padding": "same"},
        {"in_channels": 1, "out_channels": 96, "kernel_size": 41, "padding": "same"},
    ],
)
def test_shapes_that_torchs_kernels_have_trouble_with_are_right(options, mixed):
    torch.manual_seed(0)
    conv = Conv1d(**options)
    x = torch.randn(32, conv.in_channels, 250)
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        actual = outputs_and_gradients(conv, lambda x: conv(x).float(), x)
    reference = copy.deepcopy(conv).double()
    expected = outputs_and_gradients(reference, lambda x: reference_convolution(reference, x), x.double())
    for ours, theirs in zip(actual, expected, strict=True):
        assert float((ours - theirs).abs().max() / theirs.abs().max()) < (2e-2 if mixed else 1e-5)


def test_every_path_of_the_table_is_taken_by_some_shape_and_can_be_overridden():
    def path_of(first=False, **options):
        names = ("in_channels", "out_channels", "groups", "kernel_size", "stride", "dilation")
        shape = dict(zip(names, (8, 8, 1, 5, 1, 1), strict=True)) | options
        return choose_path(torch.zeros(1, shape["in_channels"], 9), Shape(**shape, wants_input_gradient=not first))

    assert path_of() == "image"
    assert path_of(kernel_size=1) == "product"
    assert path_of(kernel_size=1, groups=2) == "products"
    assert path_of(in_channels=1, first=True) == "windows"
    assert path_of(in_channels=1) == path_of(in_channels=1, kernel_size=999, first=True) == "image"
    assert path_of(groups=8) == path_of(groups=8, kernel_size=3, dilation=2) == "depthwise"
    assert path_of(groups=8, kernel_size=3) == path_of(groups=2) == path_of(groups=8, stride=2, dilation=2) == "image"
    assert choose_path(torch.zeros(1, 8, 9, dtype=torch.float64), Shape(8, 8, 1, 5, 1, 1, True)) == "plain"
    with override_path("plain"):
        assert path_of() == path_of(groups=8) == "plain"
        with override_path(None):
            assert path_of() == "image"
    with override_path("depthwise"):
        assert (path_of(), path_of(groups=8)) == ("image", "depthwise")
    assert path_of() == "image"


def test_an_unknown_path_is_refused_with_the_nearest_one():
    with pytest.raises(ValueError) as error, override_path("imag"):
        pass
    assert str(error.value) == (
        "The 'path' parameter of override_path must be 'plain', 'image', 'windows', 'product', 'products', "
        "'depthwise' or None. Received: 'imag'. Did you mean 'image'? Pass one of the values named."
    )


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("in_channels", [4])
def test_channels_stay_innermost_behind_a_convolution(groups, in_channels):
    for channels in (1, in_channels):
        conv = Conv1d(channels, 8 if groups == 1 else channels, 7, padding="same", groups=min(groups, channels))
        for first in (True, False):
            output = conv(torch.randn(2, channels, 20).requires_grad_(not first))
            assert output.transpose(1, 2).is_contiguous()


def test_a_kernel_longer_than_its_input_is_refused_as_torch_does():
    conv, theirs = Conv1d(2, 2, 9), nn.Conv1d(2, 2, 9)
    messages = []
    for module in (conv, theirs):
        with pytest.raises(RuntimeError) as error:
            module(torch.zeros(1, 2, 5))
        messages.append(str(error.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("kernel_size", [4, 5])
@pytest.mark.parametrize("stride", [1, 3])
def test_a_causal_convolution_sees_nothing_of_the_future(kernel_size, stride):
    conv = Conv1d(1, 2, kernel_size, stride=stride, dilation=1 if stride > 1 else 2, padding="causal").double()
    x = torch.randn(1, 1, 20, dtype=torch.float64, requires_grad=True)
    output = conv(x)
    assert output.shape[2] == -(-20 // stride)
    for position in range(1, output.shape[2]):
        (gradient,) = torch.autograd.grad(output[..., position].sum(), x, retain_graph=True)
        assert int(gradient[0, 0].nonzero().max()) == position * stride


@pytest.mark.parametrize("kernel_size", [3, 5, 21])
@pytest.mark.parametrize("dilation", [1, 3])
def test_same_padding_with_stride_one_is_that_of_torch(kernel_size, dilation):
    ours = Conv1d(2, 4, kernel_size, padding="same", dilation=dilation)
    theirs = nn.Conv1d(2, 4, kernel_size, padding="same", dilation=dilation)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 2, 30)
    assert relative_error(ours(x), theirs(x)) < 1e-5


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 9), st.integers(1, 4), st.integers(1, 3), st.integers(1, 20), SEEDS)
def test_outputs_of_a_record_do_not_depend_on_how_far_it_is_padded(kernel_size, stride, dilation, n_timepoints, seed):
    conv = Conv1d(1, 2, kernel_size, stride=stride, dilation=dilation, padding="same")
    x = torch.randn(1, 1, n_timepoints, generator=torch.Generator().manual_seed(seed))
    alone = conv(x)
    assert alone.shape[2] == -(-n_timepoints // stride)
    assert relative_error(conv(F.pad(x, (0, 7)))[..., : alone.shape[2]], alone) < 1e-5


@pytest.mark.parametrize(("kernel_size", "groups"), [(1, 1), (4, 1), (9, 1), (9, 8), (40, 1)])
def test_convolution_in_bfloat16_stays_close(kernel_size, groups):
    conv = Conv1d(8, 8, kernel_size, padding="same", groups=groups)
    x = torch.randn(4, 8, 50)
    with torch.autocast("cpu", torch.bfloat16):
        actual = outputs_and_gradients(conv, lambda x: conv(x).float(), x)
    expected = outputs_and_gradients(conv, lambda x: reference_convolution(conv, x), x)
    for ours, theirs in zip(actual, expected, strict=True):
        assert relative_error(ours, theirs) < 2e-2


def test_weights_go_back_and_forth_between_our_convolution_and_torchs():
    ours, theirs = Conv1d(3, 6, 5, groups=3), nn.Conv1d(3, 6, 5, groups=3)
    ours.load_state_dict(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())
    assert isinstance(ours, nn.Conv1d)
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("options", [{"stride": 3}, {"dilation": 2}, {"groups": 2, "bias": False}])
def test_gradients_of_the_convolution_are_its_derivatives(options):
    conv = Conv1d(2, 4, 4, padding="same", **options).double()
    assert torch.autograd.gradcheck(conv, torch.randn(2, 2, 7, dtype=torch.float64, requires_grad=True))


def ragged(lengths, n_channels, n_timepoints, seed=0, dtype=torch.float64):
    """Return a batch with infinities in its padding, its mask, and the real positions side by side."""
    lengths = torch.tensor(lengths)
    x = torch.randn(len(lengths), n_channels, n_timepoints, dtype=dtype, generator=torch.Generator().manual_seed(seed))
    mask = length_mask(lengths, n_timepoints)
    real = torch.cat([row[:, :n] for row, n in zip(x, lengths, strict=True)], 1)[None]
    return x, mask, real


def norms(n_channels, **options):
    """Return our normalization and torch's with the same state."""
    ours, theirs = BatchNorm1d(n_channels, **options).double(), nn.BatchNorm1d(n_channels, **options).double()
    nn.init.uniform_(ours.weight, 0.5, 2)
    nn.init.normal_(ours.bias)
    ours.running_mean.normal_()
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(1, 9), min_size=2, max_size=5),
    st.integers(1, 4),
    st.integers(0, 3),
    st.sampled_from([0.1, None]),
    SEEDS,
)
def test_masked_normalization_is_torchs_over_the_real_positions(lengths, n_channels, extra, momentum, seed):
    x, mask, real = ragged(lengths, n_channels, max(lengths) + extra, seed)
    ours, theirs = norms(n_channels, momentum=momentum)
    for _ in range(2):
        expected = theirs(real)
        x = x.detach().masked_fill(~mask, 1e6).requires_grad_()
        actual = ours(x, mask)
    for module, output in ((ours, actual), (theirs, expected)):
        output.pow(3).sum().backward()
        module.double()
    gathered = torch.cat([row[:, :n] for row, n in zip(actual, lengths, strict=True)], 1)[None]
    assert relative_error(gathered, expected) < 1e-9
    assert not actual.masked_select(~mask).any()
    assert not x.grad.masked_select(~mask).any()
    for name, value in theirs.state_dict().items():
        assert relative_error(ours.state_dict()[name], value) < 1e-9
    for ours_parameter, theirs_parameter in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert relative_error(ours_parameter.grad, theirs_parameter.grad) < 1e-9


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_normalization_without_a_mask_is_torchs(training, dtype):
    ours, theirs = (module.to(dtype).train(training) for module in norms(3))
    x = torch.randn(4, 3, 9, dtype=dtype)
    assert relative_error(ours(x), theirs(x)) < 1e-5
    assert relative_error(ours.running_var, theirs.running_var) < 1e-5


def test_evaluated_normalization_uses_what_it_learnt_and_hides_the_padding():
    x, mask, _ = ragged([3, 6], 2, 6)
    ours, theirs = (module.eval() for module in norms(2))
    expected = theirs(x).masked_fill(~mask, 0)
    assert relative_error(ours(x.masked_fill(~mask, torch.nan), mask), expected) < 1e-12


def test_gradients_of_masked_normalization_are_its_derivatives():
    x, mask, _ = ragged([2, 4], 2, 5)
    norm = norms(2)[0]
    assert torch.autograd.gradcheck(lambda x: norm(x, mask), x.requires_grad_())


@pytest.mark.parametrize("masked", [True, False])
def test_a_single_position_has_no_variance_and_meets_the_running_statistics(masked):
    ours, theirs = norms(2)
    x = torch.randn(1, 2, 1, dtype=torch.float64)
    expected, before = theirs.eval()(x), ours.running_mean.clone()
    actual = ours(F.pad(x, (0, 3)), length_mask(torch.tensor([1]), 4)) if masked else ours(x)
    assert relative_error(actual[..., :1], expected) < 1e-12
    assert torch.equal(ours.running_mean, before)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(1, 15), min_size=1, max_size=4), st.integers(1, 6), st.integers(1, 6), st.booleans(), SEEDS)
def test_max_pooling_is_that_of_a_loop(lengths, kernel_size, stride, centred, seed):
    n_timepoints = max(lengths) + 2
    x, mask, _ = ragged(lengths, 2, n_timepoints, seed)
    pool = MaxPool1d(kernel_size, stride, centred=centred)
    before = (kernel_size - 1) // 2 if centred else 0
    expected = torch.zeros(len(lengths), 2, -(-n_timepoints // stride), dtype=x.dtype)
    for row, length in enumerate(lengths):
        for position in range(-(-length // stride)):
            first = position * stride - before
            expected[row, :, position] = x[row, :, max(0, first) : min(first + kernel_size, length)].amax(1)
        alone = pool(x[[row], :, :length])
        assert torch.equal(alone, expected[[row], :, : alone.shape[2]])
    assert torch.equal(pool(x.masked_fill(~mask, torch.nan), mask), expected)


@settings(deadline=None, max_examples=80)
@given(
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(1, 20),
    st.sampled_from([2, 3, 4, None]),
    st.sampled_from([torch.float32, torch.bfloat16]),
    st.sampled_from(["few values", "positive", "any"]),
    SEEDS,
)
def test_gradients_of_max_pooling_are_torchs_also_where_values_are_equal(
    batch, n_channels, n_timepoints, size, dtype, values, seed
):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, n_channels, n_timepoints, generator=generator)
    x = {"few values": x.round() + 0.0, "positive": x.relu(), "any": x}[values].to(dtype).requires_grad_()
    pool = MaxPool1d(3, 1, centred=True) if size is None else MaxPool1d(size)
    actual = pool(x)
    expected = F.max_pool1d(x, 3, 1, 1) if size is None else F.max_pool1d(x, size, ceil_mode=True)
    assert torch.equal(actual, expected)
    gradient = torch.randn(actual.shape, generator=generator).to(dtype)
    ours, theirs = (torch.autograd.grad(output, x, gradient)[0] for output in (actual, expected))
    assert relative_error(ours, theirs) < (1e-6 if dtype == torch.float32 else 2e-2)


def test_max_pooling_knows_infinities():
    x = torch.tensor([[[-torch.inf, -1.0, torch.inf, 0.0]]], requires_grad=True)
    output = MaxPool1d(3, 1, centred=True)(x)
    assert output.tolist() == [[[-1.0, torch.inf, torch.inf, torch.inf]]]
    output.backward(torch.ones_like(output))
    assert x.grad.tolist() == [[[0.0, 1.0, 3.0, 0.0]]]


@pytest.mark.parametrize("options", [{}, {"stride": 1, "centred": True}, {"stride": 2}])
def test_max_pooling_traced_at_one_length_holds_at_every_other(options):
    pool, any_length = MaxPool1d(3, **options), ({2: torch.export.Dim.DYNAMIC},)
    for traced_length in (9, 10, 11):
        traced = torch.export.export(pool, (torch.randn(1, 2, traced_length),), dynamic_shapes=any_length).module()
        for x in (torch.randn(1, 2, n) for n in (12, 13, 14)):
            assert torch.equal(traced(x), pool(x))


@pytest.mark.parametrize("kind", ["mean", "max"])
@settings(deadline=None, max_examples=50)
@given(lengths=st.lists(st.integers(1, 15), min_size=1, max_size=4), n_bins=st.integers(1, 6), seed=SEEDS)
def test_bins_are_adaptive_pooling_over_each_records_own_length(kind, lengths, n_bins, seed):
    x, mask, _ = ragged(lengths, 3, max(lengths) + 2, seed)
    x = x.masked_fill(~mask, 0)
    pool, adaptive = BinPool1d(kind, n_bins), getattr(F, f"adaptive_{kind.replace('mean', 'avg')}_pool1d")
    expected = torch.cat([adaptive(row[None, :, :n], n_bins).flatten(1) for row, n in zip(x, lengths, strict=True)])
    assert relative_error(pool(x, mask), expected) < 1e-12
    assert relative_error(pool(x[[0], :, : lengths[0]]), expected[[0]]) < 1e-12


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(1, 15), min_size=1, max_size=4), st.integers(1, 5))
def test_masks_mark_the_real_steps_before_and_behind_a_stride(lengths, stride):
    mask = length_mask(torch.tensor(lengths), 16)
    assert mask.shape == (len(lengths), 1, 16)
    assert mask.sum((1, 2)).tolist() == lengths
    strided = stride_mask(mask, stride)
    assert torch.equal(strided, length_mask(torch.tensor([-(-n // stride) for n in lengths]), -(-16 // stride)))
    assert stride_mask(None, stride) is None


def test_hiding_the_padding_also_hides_its_gradients():
    x = torch.tensor([[[1.0, torch.inf, torch.nan]]], requires_grad=True)
    hidden = hide_padding(x, length_mask(torch.tensor([1]), 3))
    hidden.square().sum().backward()
    assert hidden.tolist() == [[[1.0, 0.0, 0.0]]]
    assert x.grad.tolist() == [[[2.0, 0.0, 0.0]]]


@pytest.mark.parametrize("normalization", ["batch", "none"])
def test_a_block_leaves_zeros_behind_the_strided_length(normalization):
    block = ConvBlock(2, 4, 3, stride=2, normalization=normalization, activation="none").double()
    x, mask, _ = ragged([3, 8], 2, 8)
    output = block(x.masked_fill(~mask, 0), mask)
    behind = torch.arange(4) >= torch.tensor([2, 4])[:, None]
    assert not output.transpose(1, 2)[behind].any()
    assert output.transpose(1, 2)[~behind].all()
    assert (block.convolution.bias is None) == (normalization == "batch")


@pytest.mark.parametrize("first", [True, False])
def test_convolutions_side_by_side_are_those_one_by_one(first):
    branches = nn.ModuleList(Conv1d(1, 3, size, padding="same", bias=False) for size in (12, 5, 1))
    x = torch.randn(2, 1, 30, requires_grad=not first)
    together, apart = convolve_side_by_side(branches, x), torch.cat([branch(x) for branch in branches], 1)
    assert relative_error(together, apart) < 1e-6
    assert together.transpose(1, 2).is_contiguous()
    gradient = torch.randn(together.shape)
    ours, theirs = (torch.autograd.grad(output, [*branches.parameters()], gradient) for output in (together, apart))
    for one, other in zip(ours, theirs, strict=True):
        assert relative_error(one, other) < 1e-5


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("activation", ["relu", "silu", "none"])
@pytest.mark.parametrize("options", [{}, {"groups": 2}, {"stride": 2}, {"pool": 2}])
def test_a_block_without_gradients_gives_what_it_gives_with_them(masked, activation, options):
    torch.manual_seed(0)
    block = ConvBlock(4, 4, 5, activation=activation, **options)
    for _ in range(3):
        block(torch.randn(8, 4, 20) * 3 + 1)
    x, mask, _ = ragged([5, 9], 4, 9, dtype=torch.float32)
    x = x.masked_fill(~mask, 0)
    block.eval()
    expected = block(x, mask if masked else None)
    with torch.inference_mode():  # where normalization is folded into the convolution
        actual = block(x, mask if masked else None)
    assert relative_error(actual, expected) < 1e-5
    if masked:
        mask = stride_mask(stride_mask(mask, options.get("stride", 1)), options.get("pool", 1))
        assert not actual.masked_select(~mask.expand_as(actual)).any()


def test_normalization_rectifies_as_relu_behind_it_would():
    for training in (True, False):
        for masked in (True, False):
            norm, other = (BatchNorm1d(3).train(training) for _ in range(2))
            x, mask, _ = ragged([5, 9], 3, 9, dtype=torch.float32)
            x = x.masked_fill(~mask, 0).requires_grad_()
            mask = mask if masked else None
            ours, theirs = norm(x, mask, rectify=True), F.relu(other(x, mask))
            assert relative_error(ours, theirs) < 1e-6
            gradient = torch.randn(ours.shape)
            ours.backward(gradient)
            (expected,) = torch.autograd.grad(theirs, x, gradient)
            assert relative_error(x.grad, expected) < 1e-5
            assert relative_error(norm.running_var, other.running_var) < 1e-6


@settings(deadline=None, max_examples=100)
@given(
    channels=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    size=st.integers(1, 12),
    dilation=st.integers(1, 4),
    padding=st.sampled_from(["same", "causal"]),
    activation=st.sampled_from(["relu", "silu", "none"]),
    shape=st.tuples(st.integers(2, 4), st.integers(6, 30)),
    first=st.booleans(),
    layout=st.sampled_from(["contiguous", "channels innermost", "sliced"]),
    seed=SEEDS,
)
def test_a_block_in_one_step_of_autograd_is_its_modules_one_by_one(
    channels, size, dilation, padding, activation, shape, first, layout, seed
):
    torch.manual_seed(seed)
    block = ConvBlock(*channels, size, dilation=dilation, padding=padding, activation=activation)
    nn.init.normal_(block.normalization.weight)
    nn.init.normal_(block.normalization.bias)
    other = copy.deepcopy(block).double()
    x = arrange(torch.randn(shape[0], channels[0], shape[1]), layout)
    assert is_little_work(x, block.convolution.shape(x))
    # At ReLU's kink a rounding error decides on the gradient.
    normalized = copy.deepcopy(other.normalization)(other.convolution(x.double()))
    assume(normalized.abs().min() > 1e-4)
    actual = outputs_and_gradients(block, block, x, first=first)
    expected = outputs_and_gradients(other, other, x.double(), first=first)
    actual += [block.normalization.running_mean, block.normalization.running_var]
    expected += [other.normalization.running_mean, other.normalization.running_var]
    # Some gradients are small differences of what is large.
    largest = max(float(tensor.abs().max()) for tensor in expected)
    for ours, theirs in zip(actual, expected, strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-4, atol=1e-5 * max(largest, 1.0))
    assert block.normalization.num_batches_tracked == 1


def test_a_block_of_little_work_takes_one_step_of_autograd_and_no_other_does():
    def steps(block, x, mask=None):
        node, names = block(x, mask).grad_fn, []
        while node is not None:
            names.append(type(node).__name__)
            node = next((following for following, _ in node.next_functions if following is not None), None)
        return names

    block, x = ConvBlock(3, 4, 5), torch.randn(2, 3, 20)
    little = "_ConvolveAndNormalizeBackward"
    assert little in steps(block, x)
    assert little not in steps(block, torch.randn(64, 3, 1000))
    assert little not in steps(block, x, length_mask(torch.tensor([20, 9]), 20))
    assert little not in steps(block.double(), x.double())
    assert little not in steps(ConvBlock(3, 4, 5, stride=2), x)
    assert little not in steps(ConvBlock(3, 3, 5, groups=3), x)
    assert little not in steps(ConvBlock(3, 4, 5, pool=2), x)
    assert little not in steps(ConvBlock(3, 4, 5, normalization="none"), x)
    assert little not in steps(ConvBlock(3, 4, 5).eval(), x)
    with torch.autocast("cpu", torch.bfloat16):
        assert little not in steps(ConvBlock(3, 4, 5), x)
    with override_path("image"):
        assert little not in steps(ConvBlock(3, 4, 5), x)


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("out_channels", [6, 12])
@pytest.mark.parametrize(("kernel_size", "stride", "dilation"), [(1, 1, 1), (1, 2, 1), (5, 1, 1), (4, 3, 1), (3, 1, 4)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_little_piece_is_convolved_as_any_input(groups, out_channels, kernel_size, stride, dilation, bias):
    layer = nn.Conv1d(6, out_channels, kernel_size, stride, 0, dilation, groups, bias).double()
    steps = torch.randn(2, dilation * (kernel_size - 1) + 1 + 7, 6, dtype=torch.float64)
    for laid_out in (steps, steps.transpose(1, 2).contiguous().transpose(1, 2), steps[:, 1:]):
        piece = convolve_piece(laid_out, arrange_kernel(layer.weight, groups), layer.bias, stride, dilation)
        assert relative_error(piece.transpose(1, 2), layer(laid_out.transpose(1, 2))) < 1e-12


@settings(max_examples=30)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    kernel_size=st.integers(1, 5),
    stride=st.integers(1, 3),
    padded=st.booleans(),
    seed=st.integers(0, 99),
)
def test_causal_pooling_is_that_of_a_loop_and_reads_a_stream(sizes, kernel_size, stride, padded, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2, 3, stride * sum(sizes), generator=generator) - 5  # zeros beyond the beginning would be seen
    pool = MaxPool1d(kernel_size, stride, causal=True)
    expected = torch.stack(
        [x[..., max(0, end - kernel_size + 1) : end + 1].amax(2) for end in range(0, x.shape[2], stride)], 2
    )
    assert torch.equal(pool(x), expected)
    if padded:
        lengths = torch.tensor([x.shape[2], max(1, x.shape[2] - 2)])
        mask = length_mask(lengths, x.shape[2])
        hidden = torch.where(stride_mask(mask, stride), expected, 0.0)
        assert torch.equal(pool(x, mask), hidden)
    begin_stream(pool)
    pieces = torch.split(x, [stride * size for size in sizes], 2)
    assert torch.equal(torch.cat([pool(piece) for piece in pieces], 2), expected)


def test_what_follows_from_the_weights_is_found_once_a_stream_and_anew_outside_of_it():
    block = ConvBlock(2, 3, 5, padding="causal").eval()
    x, found = torch.randn(1, 2, 4), []
    arrange = block._arrange
    block._arrange = lambda: found.append(None) or arrange()
    with torch.no_grad():
        block(x)
        assert not found
        for beginning in (1, 2):
            begin_stream(block)
            for _ in range(3):
                block(x)
            assert len(found) == beginning
        assert block._found
        end_stream(block)
        assert not block._found


def test_a_stream_that_is_trained_on_learns_as_from_the_whole():
    whole, streamed = (ConvBlock(2, 3, 5, padding="causal", normalization="none") for _ in range(2))
    streamed.load_state_dict(whole.state_dict())
    x = torch.randn(4, 2, 30)
    whole(x).square().sum().backward()
    begin_stream(streamed)
    torch.cat([streamed(piece) for piece in torch.split(x, 7, 2)], 2).square().sum().backward()
    for ours, theirs in zip(streamed.parameters(), whole.parameters(), strict=True):
        assert relative_error(ours.grad, theirs.grad) < 1e-5
