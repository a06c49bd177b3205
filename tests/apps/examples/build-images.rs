//! Builds the applications' images into the cache and names them; what `ensure_images` does before it imports them.

use anyhow::Result;
use test_node::cache::Cache;
use test_node::progress::Progress;

#[expect(clippy::print_stdout, reason = "the names are this program's answer")]
fn main() -> Result<()> {
    let cache = Cache::from_environment()?;
    for image in test_apps::images::build(&cache, &Progress::stderr())? {
        println!("{} {} {}", image.name, image.digest, image.archive.display());
    }
    Ok(())
}
