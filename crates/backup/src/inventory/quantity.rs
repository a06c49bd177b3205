//! Sizes as Kubernetes and its operators write them.

/// Bytes of `1Gi`, `512Mi`, `12.3 MiB`, `1.5G` or `1024`; `None` for anything else.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let unit = unit.trim().trim_end_matches(['B', 'b']);
    let factor: f64 = match unit {
        "" => 1.0,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        _ => return None,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and far below the limit"
    )]
    let bytes = (number * factor).round() as u64;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_read_with_their_units_and_nothing_else_is() {
        for (text, expected) in [
            ("1Gi", Some(1 << 30)),
            ("1024", Some(1024)),
            ("1.5 MiB", Some(1_572_864)),
            ("2G", Some(2_000_000_000)),
            ("12 B", Some(12)),
            ("much", None),
            ("", None),
            ("5 apples", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }
}
