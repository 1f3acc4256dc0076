//! The classes and functions that a pickle may name. None of them is called: what each would give is described.

use crate::view::Kind;

/// What a known global stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Global {
    /// `collections.OrderedDict`: an empty dictionary.
    Dictionary,
    /// `torch.Size`: its tuple.
    Size,
    /// `torch.FloatStorage` and its kin.
    Storage(Kind),
    /// `torch._utils._rebuild_tensor` and its second version: a view of a storage.
    Tensor,
    /// `torch._utils._rebuild_parameter`: its tensor.
    Parameter,
    /// `torch.storage._load_from_bytes`: the storage in a stream of its own.
    Stream,
    /// `numpy.core.multiarray._reconstruct`: an array, described afterwards.
    Array,
    /// `numpy.core.numeric._frombuffer`: an array over bytes.
    Buffer,
    /// `numpy.core.multiarray.scalar`: one number.
    Scalar,
    /// `numpy.dtype`: a number type.
    Dtype,
    /// `ml_dtypes.bfloat16`.
    Bfloat16,
    /// `_codecs.encode`: bytes as text, as protocol 2 has them.
    Encode,
    /// Plain data beside the weights (settings): kept as nothing at all.
    Inert,
}

impl Global {
    /// What `module.name` stands for, if it is on the list.
    pub(crate) fn find(module: &str, name: &str) -> Option<Self> {
        match (module, name) {
            ("collections", "OrderedDict") => Some(Self::Dictionary),
            ("torch", "Size") => Some(Self::Size),
            ("torch", name) => Self::torch(name),
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Some(Self::Tensor),
            ("torch._utils", "_rebuild_parameter") => Some(Self::Parameter),
            ("torch.storage", "_load_from_bytes") => Some(Self::Stream),
            ("numpy", "dtype") => Some(Self::Dtype),
            ("numpy", "ndarray") => Some(Self::Inert),
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Some(Self::Scalar),
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => {
                Some(Self::Array)
            }
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Some(Self::Buffer),
            ("ml_dtypes", "bfloat16") => Some(Self::Bfloat16),
            ("argparse", "Namespace") => Some(Self::Inert),
            ("_codecs", "encode") => Some(Self::Encode),
            ("builtins" | "__builtin__", "set" | "frozenset" | "bytes" | "bytearray") => {
                Some(Self::Inert)
            }
            _ => None,
        }
    }

    /// Storages by number type; number types and devices, which are data.
    fn torch(name: &str) -> Option<Self> {
        match name {
            "device" | "float64" | "float32" | "float16" | "bfloat16" | "int64" | "int32"
            | "int16" | "int8" | "uint8" | "bool" => Some(Self::Inert),
            _ => Kind::of_storage(name).map(Self::Storage),
        }
    }
}
