//! What can be done about a dump that a server does not take, from the server's words.

/// The remedy for what the client program said last, to be put behind its words; empty where none is known.
pub(super) fn remedy(said: &str) -> String {
    let known = missing_role(said)
        .or_else(|| unqualified(said))
        .or_else(|| newer_archive(said))
        .or_else(|| extension(said));
    known.map_or_else(String::new, |words| format!("; {words}"))
}

fn missing_role(said: &str) -> Option<String> {
    let role = between(said, "ERROR:  role \"", "\" does not exist")?;
    Some(format!(
        "create role {role}, or answer with --owner ROLE or --no-owner for what it owned and --no-acl for what it was \
         granted"
    ))
}

/// A function that finds what it uses by the search path, which a restore empties, called while an index or a constraint
/// is built.
fn unqualified(said: &str) -> Option<String> {
    let missing = said.lines().find_map(|line| {
        let (_, rest) = line.split_once("ERROR:  ")?;
        let what = rest.strip_suffix(" does not exist")?;
        let by_name = ["function ", "relation ", "type ", "operator "];
        by_name.iter().any(|kind| what.starts_with(kind)).then_some(what)
    })?;
    let function = said
        .lines()
        .rev()
        .filter(|line| !line.contains("ERROR:"))
        .find_map(caller)?;
    let object = said
        .lines()
        .find_map(|line| line.strip_prefix("Command was: "))
        .map(|command| command.trim_end_matches(';'))
        .unwrap_or("a statement of the dump");
    let schema = function.split('.').next().filter(|_| function.contains('.'));
    let path = schema.unwrap_or("public");
    Some(format!(
        "function {function} finds {missing} by search_path, which is empty in a restore, so \"{object}\" fails: say \
         ALTER FUNCTION {function} SET search_path = {path}, pg_temp on the database that was backed up, and back it up again"
    ))
}

/// The function in a line of context: `PL/pgSQL function public.four(integer) line 1 at RETURN`,
/// `SQL function "four" during inlining`.
fn caller(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("function ")?;
    if let Some(quoted) = rest.strip_prefix('"') {
        return Some(quoted.split('"').next()?.to_owned());
    }
    let end = rest.find(')')?;
    Some(rest.get(..=end)?.to_owned())
}

fn newer_archive(said: &str) -> Option<String> {
    let version = between(said, "unsupported version (", ") in file header")?;
    Some(format!(
        "the archive (version {version}) was made by a newer pg_dump than this pg_restore understands: use an image of \
         that version, or dump again with the server's own pg_dump"
    ))
}

fn extension(said: &str) -> Option<String> {
    let name = between(said, "permission denied to create extension \"", "\"")
        .or_else(|| between(said, "extension \"", "\" is not available"))?;
    Some(format!(
        "extension {name} must be installed on the server, and only a superuser may create it: have it created in \
         template1, or restore as a superuser"
    ))
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_that_relies_on_the_search_path_is_named_with_its_remedy() {
        let said = "pg_restore: error: could not execute query: ERROR:  function twice(integer) does not exist\n\
            LINE 1: twice($1)\n        ^\nHINT:  No function matches\nQUERY:  twice($1)\n\
            CONTEXT:  PL/pgSQL function public.four(integer) line 1 at RETURN\n\
            Command was: CREATE INDEX ix ON public.t USING btree (public.four(id));\n";
        let words = remedy(said);
        for part in [
            "function public.four(integer) finds function twice(integer)",
            "CREATE INDEX ix ON public.t",
            "ALTER FUNCTION public.four(integer) SET search_path = public, pg_temp",
        ] {
            assert!(words.contains(part), "{part} in {words}");
        }
        let sql = "ERROR:  function twice(integer) does not exist\nCONTEXT:  SQL function \"four\" during inlining\n";
        assert!(remedy(sql).contains("ALTER FUNCTION four SET"), "{}", remedy(sql));
    }

    #[test]
    fn a_missing_role_and_a_newer_archive_have_a_remedy_and_the_rest_has_none() {
        let role = "pg_restore: error: could not execute query: ERROR:  role \"zed\" does not exist\n";
        assert!(remedy(role).contains("create role zed"), "{}", remedy(role));
        let newer = "pg_restore: error: unsupported version (1.16) in file header\n";
        assert!(remedy(newer).contains("newer pg_dump"), "{}", remedy(newer));
        assert_eq!(remedy("ERROR:  function f() does not exist\n"), "");
        assert_eq!(remedy("disk full"), "");
    }
}
