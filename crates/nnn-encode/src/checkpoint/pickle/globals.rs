//! The classes and functions that a pickle may name. None of them is called: what each would give is described.

use super::view::Kind;

/// What a known global stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
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
    /// Plain data beside the weights (settings, NumPy numbers): kept as nothing at all.
    Inert,
}

impl Global {
    /// What `module.name` stands for, if it is on the list.
    pub(super) fn find(module: &str, name: &str) -> Option<Self> {
        match (module, name) {
            ("collections", "OrderedDict") => Some(Self::Dictionary),
            ("torch", "Size") => Some(Self::Size),
            ("torch", name) => Self::torch(name),
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Some(Self::Tensor),
            ("torch._utils", "_rebuild_parameter") => Some(Self::Parameter),
            ("numpy", "dtype" | "ndarray") => Some(Self::Inert),
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar" | "_reconstruct") => {
                Some(Self::Inert)
            }
            ("argparse", "Namespace") => Some(Self::Inert),
            ("_codecs", "encode") => Some(Self::Inert),
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
