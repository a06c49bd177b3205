//! Pieces of the paths of migration files.

/// The extensions of scripts that Node's tools run.
const SCRIPTS: [&str; 7] = ["js", "cjs", "mjs", "ts", "cts", "mts", "sql"];

/// The last part of a path.
pub(super) fn base(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The folder that a path's last part lies in, without the folders above.
pub(super) fn folder(path: &str) -> Option<&str> {
    path.rsplit(['/', '\\'])
        .nth(1)
        .filter(|folder| !folder.is_empty())
}

/// A number at the beginning, without leading zeros, and what follows it.
pub(super) fn number(text: &str) -> Option<(String, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() {
        return None;
    }
    let short = digits.trim_start_matches('0');
    Some((if short.is_empty() { "0" } else { short }.to_owned(), rest))
}

/// The number of a file `NUMBER_words.EXTENSION`.
pub(super) fn numbered(path: &str, extensions: &[&str]) -> Option<String> {
    let (stem, extension) = base(path).rsplit_once('.')?;
    let (number, rest) = number(stem)?;
    (extensions.contains(&extension) && rest.starts_with('_')).then_some(number)
}

/// A script's whole file name.
pub(super) fn script(path: &str) -> Option<String> {
    let file = base(path);
    let (stem, extension) = file.rsplit_once('.')?;
    let runs = SCRIPTS.contains(&extension) && !stem.ends_with(".d");
    runs.then(|| file.to_owned())
}

/// For tools whose migrations are not files of their own.
pub(super) fn none(_path: &str) -> Option<String> {
    None
}
