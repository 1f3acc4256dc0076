//! Writes two small pages with something for every part, for tests in a browser: `pages FOLDER` writes `plain.html` and, with names that
//! try to become markup, `hostile.html`.

#[allow(dead_code)]
#[path = "../tests/report/fixture.rs"]
mod fixture;
#[path = "../tests/report/whole.rs"]
mod whole;

use std::error::Error;
use std::path::PathBuf;

use nnn_report::write_page;

const HOSTILE: &str = "\"><script>window.hacked=1</script><img src=x onerror=window.hacked=2></title></style>javascript:alert(1)";

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: pages FOLDER")?);
    let plain = whole::Whole::new(&str::to_owned);
    write_page(&folder.join("plain.html"), &[plain.experiment()])?;
    let hostile = whole::Whole::new(&|name| format!("{name}{HOSTILE}"));
    Ok(write_page(
        &folder.join("hostile.html"),
        &[hostile.experiment()],
    )?)
}
