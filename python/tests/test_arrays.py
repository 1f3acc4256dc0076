"""Whatever an array is made of and however it lies, results have the same bits."""

import numpy as np
import pytest
from oracles import made

import nnn_bench
from nnn_bench._arrays import as_array, as_clusters, as_ids, as_relevance

GALLERY, QUERIES, BANK = made(11)
PARAMS = {"k": 8, "alpha": 0.75}


def bits(values):
    return np.ascontiguousarray(values, np.float32).view(np.uint32)


EXPECTED = nnn_bench.bias(GALLERY, BANK, **PARAMS)


def strided(rows):
    """The same values with gaps between rows and columns."""
    wide = np.full((2 * len(rows), 3 * rows.shape[1]), np.nan, rows.dtype)
    wide[::2, ::3] = rows
    return wide[::2, ::3]


def read_only(rows):
    rows = rows.copy()
    rows.flags.writeable = False
    return rows


def misaligned(rows):
    raw = np.zeros(rows.nbytes + 1, np.uint8)
    there = raw[1:].view(rows.dtype).reshape(rows.shape)
    there[:] = rows
    assert not there.flags.aligned
    return there


class Dlpack:
    """Another library's array, of which nothing but the protocol is known."""

    def __init__(self, rows):
        self.rows = rows

    def __dlpack__(self, **kwargs):
        return self.rows.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self.rows.__dlpack_device__()


class OnDevice:
    """As cupy's: refuses an implicit copy to the host."""

    __cuda_array_interface__ = {"version": 3}

    def __init__(self, rows):
        self.rows = rows

    def __dlpack__(self, **kwargs):
        raise BufferError("on a device")

    def __dlpack_device__(self):
        return (2, 0)

    def __array__(self, *_, **__):
        raise TypeError("implicit conversion to a NumPy array is not allowed")

    def get(self):
        return self.rows


FORMS = {
    "f64": lambda rows: rows.astype(np.float64),
    "lists": lambda rows: rows.astype(np.float64).tolist(),
    "fortran": np.asfortranarray,
    "strided": strided,
    "strided f64": lambda rows: strided(rows.astype(np.float64)),
    "reversed": lambda rows: rows[::-1].copy()[::-1],
    "read-only": read_only,
    "big-endian": lambda rows: rows.astype(">f4"),
    "misaligned": misaligned,
    "longdouble": lambda rows: rows.astype(np.longdouble),
    "dlpack": Dlpack,
    "on a device": OnDevice,
}


@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_an_array_changes_no_bit(form):
    gallery, bank = FORMS[form](GALLERY), FORMS[form](BANK)
    assert (bits(nnn_bench.bias(gallery, bank, **PARAMS)) == bits(EXPECTED)).all()
    assert (bits(nnn_bench.bias(gallery, nnn_bench.Bank(bank), **PARAMS)) == bits(EXPECTED)).all()


def test_f16_is_read_as_its_values():
    gallery, bank = GALLERY.astype(np.float16), BANK.astype(np.float16)
    wide = nnn_bench.bias(gallery.astype(np.float64), bank.astype(np.float64), **PARAMS)
    assert (bits(nnn_bench.bias(gallery, bank, **PARAMS)) == bits(wide)).all()
    assert (bits(nnn_bench.bias(gallery.T.copy().T, bank, **PARAMS)) == bits(wide)).all()


def test_integers_are_numbers():
    rows = np.random.default_rng(0).integers(-9, 9, (20, 6)) + 10
    expected = nnn_bench.bias(rows.astype(np.float32), rows.astype(np.float32), k=3)
    assert (bits(nnn_bench.bias(rows, rows.tolist(), k=3)) == bits(expected)).all()


def test_lengths_are_divided_out_in_f64_and_rounded_once():
    rows = np.random.default_rng(1).standard_normal((50, 9)).astype(np.float32) * np.float32(37)
    wide = rows.astype(np.float64)
    # The sum of squares in the order of the columns.
    squares = np.zeros(len(wide))
    for column in wide.T:
        squares = squares + column * column
    unit = (wide / np.sqrt(squares)[:, None]).astype(np.float32)
    assert (bits(nnn_bench.augment_queries(rows)[:, :-1]) == bits(unit)).all()


def test_unit_rows_of_f32_are_not_copied():
    bank = nnn_bench.augment_queries(BANK)[:, :-1].copy()
    lent = nnn_bench.Bank(bank).__reduce__()[1][0]
    assert np.shares_memory(lent, bank)
    scaled = nnn_bench.Bank(2 * bank).__reduce__()[1][0]
    assert not np.shares_memory(scaled, bank)


def test_arrays_stay_as_they_are():
    gallery, bank = 3 * GALLERY, 2 * BANK
    before = gallery.copy(), bank.copy()
    nnn_bench.bias(gallery, bank, **PARAMS)
    assert (gallery == before[0]).all() and (bank == before[1]).all()


def test_a_tensor_of_torch_is_an_array():
    torch = pytest.importorskip("torch")
    gallery, bank = torch.from_numpy(GALLERY.copy()), torch.from_numpy(BANK.copy())
    forms = [gallery, gallery.double(), gallery.t().contiguous().t(), gallery.clone().requires_grad_()]
    for form in forms:
        assert (bits(nnn_bench.bias(form, bank, **PARAMS)) == bits(EXPECTED)).all()
    assert np.shares_memory(as_array(gallery, "gallery", 2), gallery.numpy())
    half = nnn_bench.bias(gallery.bfloat16(), bank, **PARAMS)
    assert (bits(half) == bits(nnn_bench.bias(gallery.bfloat16().float(), bank, **PARAMS))).all()


def test_an_array_of_jax_is_an_array():
    jnp = pytest.importorskip("jax.numpy")
    gallery, bank = jnp.asarray(GALLERY), jnp.asarray(BANK)
    assert (bits(nnn_bench.bias(gallery, bank, **PARAMS)) == bits(EXPECTED)).all()
    half = nnn_bench.bias(gallery.astype(jnp.bfloat16), bank, **PARAMS)
    wide = nnn_bench.bias(np.asarray(gallery.astype(jnp.bfloat16).astype(jnp.float32)), BANK, **PARAMS)
    assert (bits(half) == bits(wide)).all()


def test_a_data_frame_is_an_array():
    pandas = pytest.importorskip("pandas")
    found = nnn_bench.bias(pandas.DataFrame(GALLERY), pandas.DataFrame(BANK), **PARAMS)
    assert (bits(found) == bits(EXPECTED)).all()


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.zeros(3), ValueError, r"x: has the shape \(3,\), expected two dimensions \(items, dim\)"),
        (np.zeros((2, 2, 2)), ValueError, r"x: has the shape \(2, 2, 2\)"),
        ("text", TypeError, "x: expected an array of numbers, got str"),
        ([[1.0], [1.0, 2.0]], TypeError, "x: expected an array of numbers, got list"),
        (np.zeros((2, 2), complex), TypeError, "x: expected an array of numbers, got numpy.ndarray of type complex128"),
        (np.zeros((2, 2), bool), TypeError, "of type bool"),
        ([["a", "b"]], TypeError, "x: expected an array of numbers, got list of type <U1"),
        (None, TypeError, "x: expected an array of numbers, got NoneType"),
        (np.ma.masked_array(np.ones((2, 2)), [[0, 1], [0, 0]]), TypeError, "x: is a masked array"),
    ],
)
def test_what_is_no_matrix_is_refused_by_name(value, error, message):
    with pytest.raises(error, match=message):
        as_array(value, "x", 2)


def listed(relevance):
    starts, items, grades = as_relevance(relevance, "relevance")
    cut = [items[a:b].tolist() for a, b in zip(starts, starts[1:])]
    return cut, None if grades is None else [grades[a:b].tolist() for a, b in zip(starts, starts[1:])]


def test_what_answers_what_has_several_forms():
    assert listed([2, 0]) == ([[2], [0]], None)
    assert listed(np.array([2, 0], np.uint8)) == ([[2], [0]], None)
    assert listed(np.array([[2, 1], [0, 3]])) == ([[2, 1], [0, 3]], None)
    assert listed([[2, 1], [0]]) == ([[2, 1], [0]], None)
    assert listed([np.array([2, 1]), np.array([0])]) == ([[2, 1], [0]], None)
    assert listed(np.array([[2, 1], [0]], object)) == ([[2, 1], [0]], None)
    assert listed([{2: 1.0, 1: 3}, {0: 2}]) == ([[2, 1], [0]], [[1.0, 3.0], [2.0]])
    assert listed([]) == ([], None)


def test_a_sparse_matrix_says_what_answers_what():
    sparse = pytest.importorskip("scipy.sparse")
    grades = sparse.csr_matrix(np.array([[0, 3.0, 1.0], [2.0, 0, 0]]))
    assert listed(grades) == ([[1, 2], [0]], [[3.0, 1.0], [2.0]])


@pytest.mark.parametrize("value", [[["a"]], [None], np.zeros(3), [{1: "x"}], [{0: 1.0}, [1]]])
def test_what_is_no_relevance_is_refused_by_name(value):
    with pytest.raises(TypeError, match="relevance"):
        as_relevance(value, "relevance")


def test_ids_are_texts_or_integers():
    assert as_ids(np.array(["a", "b"]), "ids") == ["a", "b"]
    assert as_ids([3, np.int64(4), "x"], "ids") == ["3", "4", "x"]
    with pytest.raises(TypeError, match="ids: row 1 is 2.5, expected a text or an integer"):
        as_ids(["a", 2.5], "ids")


def test_clusters_are_told_by_any_label():
    assert as_clusters(["b", "a", "b"], "clusters") == [0, 1, 0]
    assert as_clusters(np.array([7, 7, 3]), "clusters") == [0, 0, 1]
    with pytest.raises(TypeError, match="clusters: expected a label for each query"):
        as_clusters([[1], [2]], "clusters")
