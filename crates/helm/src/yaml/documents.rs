//! A stream of YAML documents, cut without reading them.

/// Cuts a stream before each document marker. The pieces put together again are the stream, byte by byte.
///
/// A line that begins with `---` and goes on with nothing or white space is a marker wherever it stands: YAML forbids it
/// inside of every kind of scalar.
pub(crate) fn documents(stream: &str) -> Vec<&str> {
    let mut cuts = vec![0];
    let mut offset = 0;
    for line in stream.split_inclusive('\n') {
        if offset > 0 && is_marker(line) {
            cuts.push(offset);
        }
        offset += line.len();
    }
    cuts.push(stream.len());
    cuts.windows(2)
        .map(|cut| &stream[cut[0]..cut[1]])
        .filter(|piece| !piece.is_empty())
        .collect()
}

fn is_marker(line: &str) -> bool {
    line.strip_prefix("---")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_put_together_are_the_stream() {
        for stream in [
            "",
            "a: 1",
            "---\na: 1\n---\nb: 2\n",
            "a: 1\n--- # two\nb: |\n  ---\n  ----\n---\r\nc: 3\r\n---",
            "----\n",
        ] {
            assert_eq!(documents(stream).concat(), stream);
        }
    }

    #[test]
    fn markers_are_whole_words_at_the_start_of_a_line() {
        let cut = documents("---\na: 1\n  ---\n---x: 1\n--- b: 2\n---\tc\n");
        assert_eq!(cut, ["---\na: 1\n  ---\n---x: 1\n", "--- b: 2\n", "---\tc\n"]);
    }
}
