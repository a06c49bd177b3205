//! From a process's words to its exit code.

use std::ffi::OsString;
use std::process::ExitCode as ProcessCode;

use model::ExitCode;

/// Runs a program on an asynchronous runtime. Words must be text: paths that are none cannot be written into a plan.
pub fn run<F: Future<Output = ExitCode>>(
    words: impl Iterator<Item = OsString>,
    program: impl FnOnce(Vec<String>) -> F,
) -> ProcessCode {
    let words: Result<Vec<String>, OsString> = words.map(OsString::into_string).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match (words, runtime) {
        (Ok(words), Ok(runtime)) => runtime.block_on(async {
            let code = program(words).await;
            backup::settled().await;
            code.into()
        }),
        (Err(word), _) => complain(&format!("argument {word:?} is no text")),
        (_, Err(error)) => complain(&format!("no runtime: {error}")),
    }
}

fn complain(words: &str) -> ProcessCode {
    use std::io::Write;
    // Nobody can be told when standard error is closed.
    drop(writeln!(std::io::stderr(), "error: {words}"));
    ExitCode::CouldNotBegin.into()
}
