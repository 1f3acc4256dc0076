//! Products of small blocks of vectors: the only place where instruction sets differ.
//!
//! Every product is one chain of fused multiply-adds over the dimension in ascending order, started at zero. Where the
//! block lies, how many threads work and which instruction set runs change nothing: all kernels here return the same
//! bits, and the tests hold them to it.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod bytes;
pub(crate) mod chains;
#[cfg(test)]
mod ends;
pub(crate) mod near;
mod pack;
mod portable;

use bytes::{ByteKernel, Choice};
use chains::Chains;
pub(crate) use pack::{LANES, Line, PANEL, PackedColumns, PackedRows};
use std::sync::OnceLock;

/// One block product: `out[r * stride + c] = rows[r] . columns[c]` for `r < kernel.rows` and `c < PANEL`.
///
/// `rows` is `[dim][kernel.rows]`, `columns` is `[dim][PANEL / LANES]` lines.
type Block = fn(rows: &[f32], columns: &[Line], out: &mut [f32], stride: usize);

/// What computes products: a block product for one instruction set and, where there is one that is faster still, a product of
/// bytes that tells which scores can matter. Scores have the same bits with each.
#[derive(Clone, Copy)]
pub struct Kernel {
    /// Instruction set of scores, for provenance: `avx512`, `avx2` or `portable`.
    pub name: &'static str,
    /// Instructions of the products of bytes: `amx`, `vnni`, `avx-vnni` or `maddubs`; `None` where all scores are computed.
    pub screen: Option<&'static str>,
    /// Rows of one block.
    pub(crate) rows: usize,
    pub(crate) block: Block,
    pub(crate) chains: Chains,
    pub(crate) bytes: Option<ByteKernel>,
}

impl Default for Kernel {
    fn default() -> Self {
        Self::detect()
    }
}

impl Kernel {
    /// The fastest kernel that this processor runs, detected once.
    #[must_use]
    pub fn detect() -> Self {
        static BEST: OnceLock<Kernel> = OnceLock::new();
        *BEST.get_or_init(|| Self::available()[0])
    }

    /// All kernels that this processor runs, fastest first, each with the products of bytes that it can have and with none;
    /// the last one is portable.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            for (kernel, screens) in [
                (avx512::kernel(), &["amx", "vnni"][..]),
                (avx2::kernel(), &["avx-vnni", "maddubs"]),
            ] {
                let Some(kernel) = kernel else { continue };
                let usable = Choice::of_this_processor().usable.iter();
                let usable = usable.filter(|bytes| screens.contains(&bytes.name));
                kernels.extend(usable.map(|&bytes| kernel.with_bytes(bytes)));
                kernels.push(kernel);
            }
        }
        kernels.push(portable::kernel());
        kernels
    }

    /// What of this processor is not used although it is there, with the reason: its products of bytes were not those of the
    /// portable kernel, or the operating system keeps it from this process.
    #[must_use]
    pub fn refused() -> &'static [(&'static str, &'static str)] {
        &Choice::of_this_processor().refused
    }

    pub(crate) fn with_bytes(self, bytes: ByteKernel) -> Self {
        Self {
            screen: Some(bytes.name),
            bytes: Some(bytes),
            ..self
        }
    }
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)?;
        self.screen.map_or(Ok(()), |screen| write!(f, "+{screen}"))
    }
}

/// Panics unless the slices hold what a block of `rows` rows reads and writes; kernels with raw loads rely on it.
fn check_block(rows: usize, left: &[f32], right: &[Line], out: &[f32], stride: usize) -> usize {
    let dim = left.len() / rows;
    assert!(left.len() == dim * rows && right.len() == dim * (PANEL / LANES));
    assert!(stride >= PANEL && out.len() >= (rows - 1) * stride + PANEL);
    dim
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Embeddings;

    /// Values without pattern, so that a misplaced element cannot go unseen.
    pub(crate) fn noise(rows: usize, dim: usize, seed: u64) -> Embeddings {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / 8_388_608.0 - 1.0
        };
        let data = (0..rows * dim).map(|_| next()).collect();
        Embeddings::normalize(data, dim).expect("noise is valid")
    }

    #[test]
    fn all_kernels_return_the_bits_of_the_plain_chain() {
        for dim in [1, 2, 15, 64, 513] {
            let (left, right) = (noise(14, dim, 1), noise(PANEL, dim, 2));
            for kernel in Kernel::available() {
                let rows = PackedRows::new(left.rows().slice(0..kernel.rows), kernel.rows);
                let columns = PackedColumns::new(right.rows());
                let mut out = vec![f32::NAN; kernel.rows * PANEL];
                (kernel.block)(rows.block(0), columns.panel(0), &mut out, PANEL);
                for (index, &got) in out.iter().enumerate() {
                    let (r, c) = (index / PANEL, index % PANEL);
                    let pairs = left.rows().row(r).iter().zip(right.rows().row(c));
                    let want = pairs.fold(0.0f32, |sum, (a, b)| a.mul_add(*b, sum));
                    assert_eq!(
                        got.to_bits(),
                        want.to_bits(),
                        "{kernel:?} dim {dim} at ({r}, {c})"
                    );
                }
            }
        }
    }
}
