//! Names and texts in SQL. Both may hold anything.

/// Quotes an identifier for SQL.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes a text for SQL, whatever `standard_conforming_strings` says.
pub fn quote_literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') {
        format!(" E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

/// A statement with places for names (`:"name"`) and texts (`:'name'`), as psql writes them, and what goes there.
///
/// psql fills the places itself from its variables; for a session of ours [`Statement::filled`] does the same.
#[derive(Debug, Clone)]
pub(crate) struct Statement<'a> {
    pub(crate) sql: &'a str,
    pub(crate) values: &'a [(&'a str, &'a str)],
}

impl Statement<'_> {
    /// The statement with every place filled. Values are never looked through for places.
    pub(crate) fn filled(&self) -> String {
        let mut filled = String::with_capacity(self.sql.len());
        let mut rest = self.sql;
        while let Some(at) = rest.find(':') {
            let (before, place) = rest.split_at(at);
            filled.push_str(before);
            let found = self.values.iter().find_map(|(name, value)| {
                if let Some(after) = place.strip_prefix(&format!(":\"{name}\"")) {
                    return Some((quote_identifier(value), after));
                }
                place
                    .strip_prefix(&format!(":'{name}'"))
                    .map(|after| (quote_literal(value), after))
            });
            match found {
                Some((quoted, after)) => {
                    filled.push_str(&quoted);
                    rest = after;
                }
                None => {
                    // A cast: `::text`.
                    let colons = place.len() - place.trim_start_matches(':').len();
                    filled.push_str(place.get(..colons).unwrap_or_default());
                    rest = place.get(colons..).unwrap_or_default();
                }
            }
        }
        filled.push_str(rest);
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_identifiers_stay_one_identifier() {
        for (name, quoted) in [
            ("we\"ird; drop", "\"we\"\"ird; drop\""),
            ("a b", "\"a b\""),
            ("100%", "\"100%\""),
            ("dbname=x host=evil", "\"dbname=x host=evil\""),
            ("ä'\\", "\"ä'\\\""),
        ] {
            assert_eq!(quote_identifier(name), quoted);
        }
    }

    #[test]
    fn hostile_texts_stay_one_text() {
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal(r"a\'; drop"), r" E'a\\''; drop'");
    }

    #[test]
    fn places_are_filled_and_values_are_not_looked_through() {
        let statement = Statement {
            sql: "alter database :\"one\" rename to :\"two\"; select :'one'::text, 'x:y'",
            values: &[("one", ":\"two\""), ("two", "b\"c")],
        };
        assert_eq!(
            statement.filled(),
            "alter database \":\"\"two\"\"\" rename to \"b\"\"c\"; select ':\"two\"'::text, 'x:y'"
        );
    }
}
