//! Where numbers come from: signatures and `run.json`.

use serde::Serialize;

/// Version, commit and dirty flag of the running code: `0.1.0+3f2a...` or `0.1.0+3f2a....dirty`.
pub(crate) fn code_version() -> String {
    let dirty = if is_dirty() { ".dirty" } else { "" };
    format!("{}+{}{dirty}", env!("CARGO_PKG_VERSION"), commit())
}

/// The commit this binary was built from.
pub(crate) fn commit() -> &'static str {
    env!("NNN_COMMIT")
}

/// Whether the code had uncommitted changes when it was built.
pub(crate) fn is_dirty() -> bool {
    env!("NNN_DIRTY") == "true"
}

/// Checksum of the sources this binary was built from; a finished trial is reused only by the same code.
pub(crate) fn sources() -> &'static str {
    env!("NNN_SOURCES")
}

/// The first ten digits of a checksum.
pub(crate) fn short(checksum: &str) -> &str {
    checksum.get(..10).unwrap_or(checksum)
}

/// The machine, as far as it matters for a time.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    os: &'static str,
    arch: &'static str,
    cores: usize,
    threads: usize,
    kernel: &'static str,
    /// Products of bytes that screen, if any do.
    screen: Option<&'static str>,
    /// Products of linear layers under `compute: {dtype: bf16}`.
    bf16: &'static str,
    /// Instructions that are there and not used, each with the reason.
    refused: Vec<(&'static str, &'static str)>,
}

impl Machine {
    /// This machine.
    pub(crate) fn here() -> Self {
        Self {
            os: std::env::consts::OS,
            arch: std::env::consts::ARCH,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            threads: rayon::current_num_threads(),
            kernel: nnn_core::Kernel::detect().name,
            screen: nnn_core::Kernel::detect().screen,
            bf16: nnn_encode::bf16_instructions(),
            refused: [nnn_core::Kernel::refused(), nnn_encode::bf16_refused()].concat(),
        }
    }
}

/// The fields of a signature, in their fixed order; `None` is written `-`.
pub(crate) struct Signature<'a> {
    pub(crate) metric: &'a str,
    pub(crate) direction: &'a str,
    pub(crate) data: &'a str,
    pub(crate) split: &'a str,
    pub(crate) model: &'a str,
    pub(crate) dtype: &'a str,
    pub(crate) bank: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) chosen: Option<&'a str>,
    /// `exact`, or `approximate(...)` with the index that the method's statistics came from.
    pub(crate) topk: &'a str,
    pub(crate) ties: &'a str,
}

impl Signature<'_> {
    /// One line; `|`, `%` and line breaks inside a value are percent-encoded, so that a signature splits at `|`.
    pub(crate) fn line(&self) -> String {
        let version = code_version();
        let fields = [
            ("", self.metric),
            ("", self.direction),
            ("data:", self.data),
            ("split:", self.split),
            ("model:", self.model),
            ("dtype:", self.dtype),
            ("bank:", self.bank.unwrap_or("-")),
            ("method:", self.method),
            ("chosen:", self.chosen.unwrap_or("-")),
            ("topk:", self.topk),
            ("ties:", self.ties),
            ("v:", &version),
        ];
        let written: Vec<_> = fields
            .iter()
            .map(|(key, value)| format!("{key}{}", escape(value)))
            .collect();
        written.join("|")
    }
}

fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '|' => out.push_str("%7C"),
            '%' => out.push_str("%25"),
            '\n' => out.push_str("%0A"),
            '\r' => out.push_str("%0D"),
            _ => out.push(c),
        }
    }
    out
}
