//! The hardware's tiles: one instruction a function, and the leave to use them.
#![allow(unsafe_code)]

use super::tiles::{CONFIG, TILE, Tiles, find, kernel as tile_kernel};
use super::{ByteKernel, ByteLine, Find, vnni};
use crate::kernel::LANES;
use std::arch::asm;
use std::arch::x86_64::{__cpuid_count, __get_cpuid_max};

const NAME: &str = "amx";

/// `None` where the processor has no such tiles; an error where it has and the system does not let them be used.
pub(super) fn kernel() -> Option<Result<ByteKernel, (&'static str, &'static str)>> {
    let vectors = vnni::kernel().filter(|_| has_tiles())?;
    Some(if is_granted() {
        Ok(tile_kernel(NAME, run, vectors.pair))
    } else {
        Err((NAME, "the operating system does not grant tile data"))
    })
}

/// Whether there are tiles, products of bytes in them, and a palette 1 of eight tiles of 16 rows of 64 bytes.
fn has_tiles() -> bool {
    const TILES: u32 = 1 << 24;
    const BYTES: u32 = 1 << 25;
    const PALETTE: u32 = 0x1d;
    if __get_cpuid_max(0).0 < PALETTE {
        return false;
    }
    let (features, palette) = (__cpuid_count(7, 0), __cpuid_count(PALETTE, 1));
    let (names, row_bytes) = (palette.ebx >> 16, palette.ebx & 0xffff);
    features.edx & TILES != 0
        && features.edx & BYTES != 0
        && (names, row_bytes, palette.ecx & 0xffff) == (8, 64, TILE as u32)
}

/// Asks Linux for the leave of this process to use tile data, which it refuses where it does not know them.
fn is_granted() -> bool {
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
}

/// Configured tiles; released in the end, since a thread with tiles in use is slower to switch.
struct Hardware(());

impl Hardware {
    /// # Safety
    /// The processor has tiles, and the system has granted them.
    unsafe fn configured() -> Self {
        // SAFETY: `CONFIG` has 64 bytes, and the caller vouches for the instruction.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) CONFIG.0.as_ptr(), options(nostack, preserves_flags, readonly));
        }
        Self(())
    }
}

impl Drop for Hardware {
    fn drop(&mut self) {
        // SAFETY: there is a `Hardware` only where tiles are configured.
        unsafe { asm!("tilerelease", options(nostack, preserves_flags, nomem)) }
    }
}

impl Tiles for Hardware {
    fn load<const T: usize>(&mut self, from: &[ByteLine], stride: usize) {
        assert!(T < 8 && from.len() > (TILE - 1) * stride);
        // SAFETY: tiles are configured to TILE rows of one line, and the slice holds as many, `stride` apart.
        unsafe {
            asm!(
                "tileloadd tmm{tile}, [{from} + {stride}*1]",
                tile = const T,
                from = in(reg) from.as_ptr(),
                stride = in(reg) stride * size_of::<ByteLine>(),
                options(nostack, preserves_flags, readonly),
            );
        }
    }

    fn multiply<const SUM: usize, const LEFT: usize, const RIGHT: usize>(&mut self) {
        assert!(SUM < 8 && LEFT < 8 && RIGHT < 8);
        // SAFETY: tiles are configured, all to one shape that fits itself. The compiler uses none of them.
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

    fn store<const T: usize>(&self, to: &mut [i32], stride: usize) {
        assert!(T < 8 && to.len() >= (TILE - 1) * stride + LANES);
        // SAFETY: tiles are configured to TILE rows of LANES places, and the slice holds as many, `stride` apart.
        unsafe {
            asm!(
                "tilestored [{to} + {stride}*1], tmm{tile}",
                tile = const T,
                to = in(reg) to.as_mut_ptr(),
                stride = in(reg) stride * size_of::<i32>(),
                options(nostack, preserves_flags),
            );
        }
    }
}

fn run(with: &mut dyn FnMut(&mut Find<'_>)) {
    // SAFETY: this function is reachable only through `kernel`, which found and was granted tiles; the leave holds for all
    // threads of the process.
    let mut tiles = unsafe { Hardware::configured() };
    with(&mut |rows, columns, cuts, found| find(&mut tiles, rows, columns, cuts, found));
}
