//! The instructions, in assembly, as the compiler does not know them.
#![allow(unsafe_code)]

use crate::{Bf16, Bytes, CONFIG, Factors, LINE_BYTES, LINES};
use std::arch::asm;
use std::arch::x86_64::{__cpuid_count, __get_cpuid_max};
use std::marker::PhantomData;
use std::sync::OnceLock;

/// Whether Linux lets this process use the tiles; `None` where the processor has none, or not this product in them.
#[must_use]
pub fn granted<F: Factors>() -> Option<bool> {
    has::<F>().then(is_granted)
}

/// Whether there are tiles, the product in them, and a palette 1 of eight tiles of 16 lines of 64 bytes.
fn has<F: Factors>() -> bool {
    const TILES: u32 = 1 << 24;
    const PALETTE: u32 = 0x1d;
    if __get_cpuid_max(0).0 < PALETTE {
        return false;
    }
    let (features, palette) = (__cpuid_count(7, 0), __cpuid_count(PALETTE, 1));
    let (names, line) = (palette.ebx >> 16, palette.ebx & 0xffff);
    features.edx & TILES != 0
        && features.edx & F::FEATURE != 0
        && (names, line, palette.ecx & 0xffff) == (8, LINE_BYTES as u32, LINES as u32)
}

/// Asks once for the leave of this process, all threads of it, to use tile data, which Linux refuses where it does not know them.
fn is_granted() -> bool {
    static GRANTED: OnceLock<bool> = OnceLock::new();
    *GRANTED.get_or_init(|| {
        const ARCH_PRCTL: i64 = 158;
        const ARCH_REQ_XCOMP_PERM: i64 = 0x1023;
        const XFEATURE_XTILEDATA: i64 = 18;
        let result: i64;
        // SAFETY: the call reads no memory and changes none; the system leaves rcx and r11 changed.
        unsafe {
            asm!(
                "syscall",
                inlateout("rax") ARCH_PRCTL => result,
                in("rdi") ARCH_REQ_XCOMP_PERM,
                in("rsi") XFEATURE_XTILEDATA,
                out("rcx") _,
                out("r11") _,
                options(nostack),
            );
        }
        result == 0
    })
}

/// Eight configured tiles of this thread; released in the end, since a thread with tiles in use is slower to switch. A second one on
/// the same thread would release those of the first: there is one at a time.
#[derive(Debug)]
pub struct Tiles<F> {
    /// Tiles belong to the thread.
    factors: PhantomData<*const F>,
}

impl<F: Factors> Tiles<F> {
    /// Configures the tiles, where [`granted`] says that they may be used.
    #[must_use]
    pub fn configured() -> Option<Self> {
        granted::<F>().filter(|it| *it)?;
        // SAFETY: the processor has tiles and the system has granted them. `CONFIG` has 64 bytes.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) CONFIG.0.as_ptr(), options(nostack, preserves_flags, readonly));
        }
        Some(Self {
            factors: PhantomData,
        })
    }

    /// Sets tile `T` to zeros.
    pub fn clear<const T: usize>(&mut self) {
        const { assert!(T < 8) };
        // SAFETY: tiles are configured. The compiler uses none of them.
        unsafe { asm!("tilezero tmm{}", const T, options(nostack, preserves_flags, nomem)) }
    }

    /// Loads tile `T` with lines of `from`, the first one and every `stride`-th after it; all are the first one if `stride` is zero.
    ///
    /// # Panics
    /// There are not as many lines.
    pub fn load<const T: usize, L: Copy>(&mut self, from: &[L], stride: usize) {
        const { assert!(T < 8 && size_of::<L>() == LINE_BYTES) };
        assert!(from.len() > (LINES - 1) * stride);
        // SAFETY: tiles are configured to LINES lines of LINE_BYTES, and the slice holds as many, `stride` apart.
        unsafe {
            asm!(
                "tileloadd tmm{tile}, [{from} + {stride}*1]",
                tile = const T,
                from = in(reg) from.as_ptr(),
                stride = in(reg) stride * LINE_BYTES,
                options(nostack, preserves_flags, readonly),
            );
        }
    }

    fn store_to<const T: usize>(&self, to: *mut u8, stride: usize) {
        // SAFETY: tiles are configured to LINES lines of LINE_BYTES; both callers have asserted that as many lie behind `to`, `stride`
        // bytes apart, and borrow them alone. Any bits are an `i32` or an `f32`.
        unsafe {
            asm!(
                "tilestored [{to} + {stride}*1], tmm{tile}",
                tile = const T,
                to = in(reg) to,
                stride = in(reg) stride,
                options(nostack, preserves_flags),
            );
        }
    }
}

/// Numbers of 4 bytes in a line.
const NUMBERS: usize = LINE_BYTES / 4;

impl Tiles<Bytes> {
    /// Adds to place `n` of line `m` of tile `SUM`, for every place `k` of a line, the products of the four unsigned bytes in place `k` of
    /// line `m` of tile `LEFT` with the four signed ones in place `n` of line `k` of tile `RIGHT`.
    pub fn multiply<const SUM: usize, const LEFT: usize, const RIGHT: usize>(&mut self) {
        const { assert!(SUM < 8 && LEFT < 8 && RIGHT < 8) };
        // SAFETY: the processor has this product, and tiles are configured, all to one shape that fits itself. The compiler uses none of
        // them.
        unsafe {
            asm!(
                "tdpbusd tmm{sum}, tmm{left}, tmm{right}",
                sum = const SUM,
                left = const LEFT,
                right = const RIGHT,
                options(nostack, preserves_flags, nomem),
            );
        }
    }

    /// Stores the lines of tile `T` in `to`, one every `stride` places.
    ///
    /// # Panics
    /// There is no room for as many.
    pub fn store<const T: usize>(&self, to: &mut [i32], stride: usize) {
        const { assert!(T < 8) };
        assert!(to.len() >= (LINES - 1) * stride + NUMBERS);
        self.store_to::<T>(to.as_mut_ptr().cast(), stride * 4);
    }
}

impl Tiles<Bf16> {
    /// Adds to place `n` of line `m` of tile `SUM`, for every place `k` of a line, the products of the two bf16 in place `k` of line `m` of
    /// tile `LEFT` with those in place `n` of line `k` of tile `RIGHT`.
    pub fn multiply<const SUM: usize, const LEFT: usize, const RIGHT: usize>(&mut self) {
        const { assert!(SUM < 8 && LEFT < 8 && RIGHT < 8) };
        // SAFETY: as above.
        unsafe {
            asm!(
                "tdpbf16ps tmm{sum}, tmm{left}, tmm{right}",
                sum = const SUM,
                left = const LEFT,
                right = const RIGHT,
                options(nostack, preserves_flags, nomem),
            );
        }
    }

    /// Stores the lines of tile `T`.
    pub fn store<const T: usize>(&self, to: &mut [[f32; NUMBERS]; LINES]) {
        const { assert!(T < 8) };
        self.store_to::<T>(to.as_mut_ptr().cast(), LINE_BYTES);
    }
}

impl<F> Drop for Tiles<F> {
    fn drop(&mut self) {
        // SAFETY: there is a `Tiles` only where tiles are configured.
        unsafe { asm!("tilerelease", options(nostack, preserves_flags, nomem)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the processor has them: a line of ones times lines of numbers is their sum.
    #[test]
    fn products_are_sums_of_products() {
        if let Some(mut tiles) = Tiles::<Bytes>::configured() {
            let (ones, numbers) = ([[1_u8; LINE_BYTES]; LINES], [[3_i8; LINE_BYTES]; LINES]);
            let mut sums = [0_i32; NUMBERS * LINES];
            tiles.clear::<0>();
            tiles.load::<1, _>(&ones, 1);
            tiles.load::<2, _>(&numbers, 0);
            tiles.multiply::<0, 1, 2>();
            tiles.store::<0>(&mut sums, NUMBERS);
            assert_eq!(sums, [3 * 64; NUMBERS * LINES]);
        }
        if let Some(mut tiles) = Tiles::<Bf16>::configured() {
            let one = u32::from(1_f32.to_bits() as u16) | 1_f32.to_bits() & 0xffff_0000;
            let ones = [[one; NUMBERS]; LINES];
            let mut sums = [[0_f32; NUMBERS]; LINES];
            tiles.clear::<7>();
            tiles.load::<5, _>(&ones, 1);
            tiles.load::<6, _>(&ones, 1);
            tiles.multiply::<7, 5, 6>();
            tiles.store::<7>(&mut sums);
            // The lower half of the bits of 1 are zeros, so that one of each pair counts.
            assert_eq!(sums, [[16.0; NUMBERS]; LINES]);
        }
    }
}
