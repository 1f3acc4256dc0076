//! Writes `blocks`, `blocks-shifted` and `blocks-styled`, and says how long it took.
//!
//! `generate_blocks FOLDER [SEED]` writes `FOLDER/blocks` and the like; the seed defaults to 0.

use std::error::Error;
use std::io::{Write, stdout};
use std::path::PathBuf;
use std::time::Instant;

use dataset_blocks::{BlocksSpec, generate};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(
        arguments
            .next()
            .ok_or("usage: generate_blocks FOLDER [SEED]")?,
    );
    let seed = arguments.next().map_or(Ok(0), |seed| seed.parse())?;
    for (name, spec) in [
        ("blocks", BlocksSpec::blocks(seed)),
        ("blocks-shifted", BlocksSpec::blocks_shifted(seed)),
        ("blocks-styled", BlocksSpec::blocks_styled(seed)),
    ] {
        let start = Instant::now();
        let checksum = generate(&spec, &folder.join(name), &|_| {})?;
        writeln!(
            stdout(),
            "{name}: {} images, {:.1?}, sha256 {checksum}",
            spec.images(),
            start.elapsed()
        )?;
    }
    Ok(())
}
