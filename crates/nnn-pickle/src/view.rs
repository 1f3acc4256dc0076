//! Tensors as views of storages: which values, in which order.

use std::borrow::Cow;

/// A number type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
}

impl Kind {
    /// The number type of `torch.<name>`.
    pub(crate) fn of_storage(name: &str) -> Option<Self> {
        Some(match name {
            "DoubleStorage" => Self::F64,
            "FloatStorage" => Self::F32,
            "HalfStorage" => Self::F16,
            "BFloat16Storage" => Self::BF16,
            "LongStorage" => Self::I64,
            "IntStorage" => Self::I32,
            "ShortStorage" => Self::I16,
            "CharStorage" => Self::I8,
            "ByteStorage" => Self::U8,
            "BoolStorage" => Self::Bool,
            _ => return None,
        })
    }

    /// As safetensors spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F64 => "F64",
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::I64 => "I64",
            Self::I32 => "I32",
            Self::I16 => "I16",
            Self::I8 => "I8",
            Self::U64 => "U64",
            Self::U32 => "U32",
            Self::U16 => "U16",
            Self::U8 => "U8",
            Self::Bool => "BOOL",
        }
    }

    /// Bytes of a value.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 | Self::U64 => 8,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F16 | Self::BF16 | Self::I16 | Self::U16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// The number type of NumPy's short name, such as `f4`.
    pub(crate) fn of_numpy(name: &str) -> Option<Self> {
        Some(match name {
            "f8" => Self::F64,
            "f4" => Self::F32,
            "f2" => Self::F16,
            "bfloat16" => Self::BF16,
            "i8" => Self::I64,
            "i4" => Self::I32,
            "i2" => Self::I16,
            "i1" => Self::I8,
            "u8" => Self::U64,
            "u4" => Self::U32,
            "u2" => Self::U16,
            "u1" => Self::U8,
            "b1" => Self::Bool,
            _ => return None,
        })
    }
}

/// The values `offset + sum(index x stride)` of a storage.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) kind: Kind,
    /// Name of the storage.
    pub(crate) storage: String,
    /// Values of the storage.
    pub(crate) items: usize,
    pub(crate) offset: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<usize>,
}

impl View {
    /// Values from the first that is seen to the last; 0 if none is. [`check`](Self::check) has seen that it fits.
    pub(crate) fn extent(&self) -> usize {
        self.checked_extent().unwrap_or(0)
    }

    fn checked_extent(&self) -> Option<usize> {
        if self.shape.contains(&0) {
            return Some(0);
        }
        let mut sides = self.shape.iter().zip(&self.strides);
        sides.try_fold(1usize, |extent, (side, stride)| {
            extent.checked_add((side - 1).checked_mul(*stride)?)
        })
    }

    /// Whether all values lie in the storage, none of them more often than the storage has values.
    pub(crate) fn check(&self) -> Result<(), String> {
        let end = self
            .checked_extent()
            .and_then(|it| it.checked_add(self.offset));
        if end.is_none_or(|end| end > self.items) {
            return Err(format!(
                "shape {:?} with strides {:?} from {} on reaches beyond the {} values of its storage",
                self.shape, self.strides, self.offset, self.items
            ));
        }
        let sides = self.shape.iter().filter(|_| !self.shape.contains(&0));
        let count = sides.copied().try_fold(1usize, usize::checked_mul);
        if count.is_none_or(|count| count > self.items.max(1)) {
            let (shape, items) = (&self.shape, self.items);
            return Err(format!(
                "shape {shape:?} repeats the {items} values of its storage"
            ));
        }
        Ok(())
    }

    /// The bytes of the extent in row-major order of the shape.
    pub(crate) fn pack<'b>(&self, bytes: Cow<'b, [u8]>) -> Cow<'b, [u8]> {
        if bytes.is_empty() || self.is_contiguous() {
            return bytes;
        }
        let size = self.kind.size();
        let mut packed = Vec::with_capacity(self.shape.iter().product::<usize>() * size);
        let mut index = vec![0; self.shape.len()];
        let mut at = 0;
        loop {
            packed.extend_from_slice(&bytes[at * size..(at + 1) * size]);
            match self.step(&mut index, at) {
                Some(next) => at = next,
                None => return Cow::Owned(packed),
            }
        }
    }

    /// Moves on to the next index in row-major order; where its value lies, or `None` after the last.
    fn step(&self, index: &mut [usize], mut at: usize) -> Option<usize> {
        for axis in (0..index.len()).rev() {
            index[axis] += 1;
            at += self.strides[axis];
            if index[axis] < self.shape[axis] {
                return Some(at);
            }
            at -= self.shape[axis] * self.strides[axis];
            index[axis] = 0;
        }
        None
    }

    fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        let sides = self.shape.iter().zip(&self.strides).rev();
        sides.filter(|(side, _)| **side != 1).all(|(side, stride)| {
            let fits = *stride == expected;
            expected *= side;
            fits
        })
    }
}
