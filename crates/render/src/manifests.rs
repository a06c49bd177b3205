//! Objects for `kubectl apply`.

use std::io::{self, Write};

use serde_json::Value;

/// Writes objects as YAML documents. What a reader of an older YAML would take for a number or a truth value is quoted.
///
/// # Errors
/// The writer's own.
pub fn manifests(out: &mut dyn Write, objects: &[Value]) -> io::Result<()> {
    for object in objects {
        let text = serde_saphyr::to_string(object).map_err(io::Error::other)?;
        writeln!(out, "---\n{}", text.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_that_look_like_something_else_stay_text() {
        let object =
            json!({ "kind": "Role", "name": "on", "other": "12", "list": [{ "schedule": "15 3 * * *" }] });
        let mut out = Vec::new();
        manifests(&mut out, &[object.clone(), object.clone()]).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.matches("---\n").count(), 2, "{text}");
        assert!(
            !text.contains("name: on\n") && !text.contains("other: 12\n"),
            "{text}"
        );
        let read: Value = serde_saphyr::from_str(text.split("---\n").last().unwrap()).unwrap();
        assert_eq!(read, object);
    }
}
