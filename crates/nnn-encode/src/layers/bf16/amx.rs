//! The product of bf16 in the hardware's tiles: one instruction a function, and the leave to use them.
//!
//! `nnn-core` has the same for bytes, and neither crate sees the other.
#![allow(unsafe_code)]

use super::{Kernel, Pairs, Refused, Sums, TILE};
use std::arch::asm;
use std::arch::x86_64::{__cpuid_count, __get_cpuid_max};

const NAME: &str = "amx";

/// `None` where the processor has no such tiles; an error where it has and the system does not let them be used.
pub(super) fn kernel() -> Option<Result<Kernel, Refused>> {
    has_tiles().then(|| match is_granted() {
        true => Ok(Kernel { name: NAME, run }),
        false => Err((NAME, "the operating system does not grant tile data")),
    })
}

/// Whether there are tiles, products of bf16 in them, and a palette 1 of eight tiles of 16 rows of 64 bytes.
fn has_tiles() -> bool {
    const TILES: u32 = 1 << 24;
    const BF16: u32 = 1 << 22;
    const PALETTE: u32 = 0x1d;
    if __get_cpuid_max(0).0 < PALETTE {
        return false;
    }
    let (features, palette) = (__cpuid_count(7, 0), __cpuid_count(PALETTE, 1));
    let (names, row_bytes) = (palette.ebx >> 16, palette.ebx & 0xffff);
    features.edx & TILES != 0
        && features.edx & BF16 != 0
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

/// What tiles are configured to: 64 bytes, of which the first is the palette, those from 16 on are the bytes of a line of
/// each tile, in two bytes each, and those from 48 on the lines of each.
#[repr(C, align(64))]
struct Config([u8; 64]);

const CONFIG: Config = {
    let mut bytes = [0; 64];
    bytes[0] = 1;
    let mut tile = 0;
    while tile < 8 {
        bytes[16 + 2 * tile] = 64;
        bytes[48 + tile] = TILE as u8;
        tile += 1;
    }
    Config(bytes)
};

/// Configured tiles; released in the end, since a thread with tiles in use is slower to switch.
struct Tiles(());

impl Tiles {
    /// # Safety
    /// The processor has tiles, and the system has granted them.
    unsafe fn configured() -> Self {
        // SAFETY: `CONFIG` has 64 bytes, and the caller vouches for the instruction.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) CONFIG.0.as_ptr(), options(nostack, preserves_flags, readonly));
        }
        Self(())
    }

    fn clear<const T: usize>(&mut self) {
        assert!(T < 8);
        // SAFETY: tiles are configured. The compiler uses none of them.
        unsafe { asm!("tilezero tmm{}", const T, options(nostack, preserves_flags, nomem)) }
    }

    fn load<const T: usize>(&mut self, from: &Pairs) {
        assert!(T < 8);
        // SAFETY: tiles are configured to TILE lines of 64 bytes, which is what a `Pairs` is.
        unsafe {
            asm!(
                "tileloadd tmm{tile}, [{from} + {stride}*1]",
                tile = const T,
                from = in(reg) from.0.as_ptr(),
                stride = in(reg) size_of::<[u32; TILE]>(),
                options(nostack, preserves_flags, readonly),
            );
        }
    }

    fn multiply<const SUM: usize, const LEFT: usize, const RIGHT: usize>(&mut self) {
        assert!(SUM < 8 && LEFT < 8 && RIGHT < 8);
        // SAFETY: tiles are configured, all to one shape that fits itself. The compiler uses none of them.
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

    fn store<const T: usize>(&self, to: &mut Sums) {
        assert!(T < 8);
        // SAFETY: tiles are configured to TILE lines of 64 bytes, which is what a `Sums` is.
        unsafe {
            asm!(
                "tilestored [{to} + {stride}*1], tmm{tile}",
                tile = const T,
                to = in(reg) to.0.as_mut_ptr(),
                stride = in(reg) size_of::<[f32; TILE]>(),
                options(nostack, preserves_flags),
            );
        }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: there is a `Tiles` only where tiles are configured.
        unsafe { asm!("tilerelease", options(nostack, preserves_flags, nomem)) }
    }
}

fn run(with: &mut dyn FnMut(&mut super::Block<'_>)) {
    // SAFETY: this function is reachable only through `kernel`, which found and was granted tiles; the leave holds for all
    // threads of the process.
    let mut tiles = unsafe { Tiles::configured() };
    with(&mut |rows, columns, sums| block(&mut tiles, rows, columns, sums));
}

/// Four tiles of sums, two of rows and two of columns.
fn block(tiles: &mut Tiles, rows: [&[Pairs]; 2], columns: [&[Pairs]; 2], sums: &mut [Sums; 4]) {
    tiles.clear::<0>();
    tiles.clear::<1>();
    tiles.clear::<2>();
    tiles.clear::<3>();
    let rows = rows[0].iter().zip(rows[1]);
    let columns = columns[0].iter().zip(columns[1]);
    for ((upper, lower), (left, right)) in rows.zip(columns) {
        tiles.load::<4>(upper);
        tiles.load::<6>(left);
        tiles.load::<7>(right);
        tiles.load::<5>(lower);
        tiles.multiply::<0, 4, 6>();
        tiles.multiply::<1, 4, 7>();
        tiles.multiply::<2, 5, 6>();
        tiles.multiply::<3, 5, 7>();
    }
    tiles.store::<0>(&mut sums[0]);
    tiles.store::<1>(&mut sums[1]);
    tiles.store::<2>(&mut sums[2]);
    tiles.store::<3>(&mut sums[3]);
}
