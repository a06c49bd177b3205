//! Making two spellings of one expression equal.

/// Casts that the server writes or leaves out depending on whether an expression came from a user or from a dump.
const CASTS: &[&str] = &["::character varying", "::text", "::bpchar"];

/// An expression as the server prints it, without what a dump and restore changes in its spelling.
///
/// `status in ('a', 'b')` on a varchar column is printed as `(ARRAY['a'::character varying, …])::text[]`, and after a
/// restore as `ARRAY[('a'::character varying)::text, …]`. Both mean the same, so these casts, parentheses and blanks
/// outside literals do not count.
pub(crate) fn normalise(expression: &str) -> String {
    let mut plain = String::with_capacity(expression.len());
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        if first == '\'' || first == '"' {
            let end = end_of_quoted(rest, first);
            let (quoted, after) = rest.split_at(end);
            plain.push_str(quoted);
            rest = after;
            continue;
        }
        if let Some(after) = CASTS.iter().find_map(|cast| rest.strip_prefix(cast)) {
            rest = after.strip_prefix("[]").unwrap_or(after);
            continue;
        }
        if !matches!(first, '(' | ')') && !first.is_whitespace() {
            plain.push(first);
        }
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
    }
    plain
}

/// The length of what stands in quotes at the beginning; a doubled quote is two quoted texts side by side, which
/// comes to the same.
fn end_of_quoted(text: &str, quote: char) -> usize {
    text.get(1..)
        .and_then(|inner| inner.find(quote))
        .map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn the_two_spellings_of_a_list_of_texts_are_equal() {
        let typed =
            "CHECK (((s)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))";
        let restored = "CHECK (((s)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])))";
        assert_eq!(normalise(typed), normalise(restored));
    }

    #[test]
    fn literals_and_quoted_names_keep_every_character() {
        assert_eq!(normalise("a = '( ::text it''s )'"), "a='( ::text it''s )'");
        assert_ne!(normalise("\"a b\""), normalise("\"ab\""));
        assert_ne!(normalise("x = 'a b'"), normalise("x = 'ab'"));
        assert_ne!(normalise("x = 1"), normalise("x = 2"));
    }
}
