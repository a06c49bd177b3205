//! What tells a secret by where it stands or by how it looks, known or not.

use std::ops::Range;
use std::sync::LazyLock;

use model::HidingRule;
use regex::bytes::{Captures, Match, Regex, RegexBuilder};

/// What a name has in it that tells of a secret.
const TELLING: &str = r"(?:passw(?:or)?d|passphrase|passcode|[_-]pass(?:\b|_)|pwd|secret|token|credential|(?:api|access|private|signing|encryption|master|session)[_.-]?key)";

/// Ends of names that tell of where a secret is, and not what it is.
const REFERENCES: [&str; 9] = [
    "name",
    "namespace",
    "ref",
    "existingsecret",
    "path",
    "file",
    "expirationseconds",
    "encryption",
    "type",
];

/// Words that are nobody's secret.
const TRIVIAL: [&str; 11] = [
    "true", "false", "null", "nil", "none", "yes", "no", "on", "off", "{}", "[]",
];

/// The longest value that is looked through for a name with a value of its own.
const LOOKED_THROUGH: usize = 4096;

/// Digits of the shortest number that may be a secret.
const SHORTEST_NUMBER: usize = 4;

/// One way to tell a secret. What is hidden is the group `v`, in any of its spellings; a group `k` is the name before it.
struct Pattern {
    rule: HidingRule,
    regex: Regex,
}

/// All but those for when a Secret could not be read.
static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let key = format!(r"(?P<k>[\w.-]*{TELLING}[\w.-]*)");
    // In quotes, or up to a blank or a quote; a quote that is not closed is a text that was cut, and goes to its line's end.
    let value = r#"(?:"(?P<v1>(?:[^"\\\r\n]|\\.)*)|'(?P<v2>(?:[^'\\\r\n]|\\.|'')*)|(?P<v3>[^\s"']+))"#;
    // Letters beyond ASCII would make every search several times slower, and no name of a secret has them.
    let built = |rule, text: &str, any_case| {
        let regex = RegexBuilder::new(text)
            .unicode(false)
            .case_insensitive(any_case)
            .build();
        regex.ok().map(|regex| Pattern { rule, regex })
    };
    let pattern = |rule, text: &str| built(rule, text, true);
    let exact = |text: &str| built(HidingRule::Token, &format!("(?P<v1>{text})"), false);
    [
        pattern(
            HidingRule::PrivateKey,
            r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?P<v1>.*?)(?:-----END|\z)",
        ),
        pattern(
            HidingRule::UrlPassword,
            r#"\b[a-z][a-z0-9+.-]*://[^\s/?\#"'<>:@]*:(?P<v1>[^\s"'<>]+)@"#,
        ),
        pattern(
            HidingRule::UrlPassword,
            r#"\b(?:https?|ssh|git)://(?P<v1>[^\s/?\#"'<>@]+)@"#,
        ),
        pattern(
            HidingRule::UrlPassword,
            r#"\b[\w.-]+:(?P<v1>[^\s"'<>@]+)@(?:tcp|unix)\("#,
        ),
        pattern(
            HidingRule::NamedValue,
            &format!(r#"{key}["']?[ \t]*(?:=>|:=|[:=])[ \t]*{value}"#),
        ),
        // As containers are given their environment.
        pattern(
            HidingRule::NamedValue,
            &format!(r#"\bname["']?:[ \t]*["']?{key}["']?[,\s+-]*["']?value["']?:[ \t]*{value}"#),
        ),
        pattern(
            HidingRule::NamedValue,
            r"\b(?:password|identified by)[ \t]+'(?P<v1>(?:[^']|'')*)'",
        ),
        pattern(
            HidingRule::NamedValue,
            &format!(r#"(?:^|[\s"'])--?{key}[ \t]+{value}"#),
        ),
        pattern(
            HidingRule::Token,
            r#"\b(?:(?:proxy-)?authorization|x-api-key|x-auth-token|(?:set-)?cookie)["']?[ \t]*[:=][ \t]*["']?(?P<v1>[^\r\n"']+)"#,
        ),
        pattern(
            HidingRule::Token,
            r"\b(?:bearer|basic)[ \t]+(?P<v1>[A-Z0-9._~+/=-]{8,})",
        ),
        exact(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
        exact(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
        exact(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[\w-]{16,})"),
        exact(r"\bxox[abeprs]-[\w-]{10,}"),
        exact(r"\bAIza[\w-]{30,}"),
        exact(r"\b[sr]k_(?:live|test)_[0-9A-Za-z]{16,}"),
        exact(r"\bsk-[\w-]{20,}"),
        exact(r"\b(?:npm_[A-Za-z0-9]{30,}|dop_v1_[a-f0-9]{40,}|hv[sbr]\.[\w-]{20,})"),
        exact(r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),
        exact(r"\bAGE-SECRET-KEY-1[0-9A-Z]+"),
        // What Postgres keeps in place of a password can be tried against, and the older kind is one.
        exact(r"\bSCRAM-SHA-256\$[^\s]+"),
        exact(r"\bmd5[0-9a-f]{32}\b"),
    ]
    .into_iter()
    .flatten()
    .collect()
});

/// Words that are made of letters and digits as generators of passwords and keys do it.
static GENERATED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?P<d>sha256:)?(?P<v1>[A-Za-z0-9_+/=-]{16,})").ok());

/// What patterns find, by its place.
pub(super) fn found(text: &[u8], guess: bool) -> Vec<(Range<usize>, HidingRule)> {
    let mut found = Vec::new();
    for pattern in PATTERNS.iter() {
        each(&pattern.regex, text, |range| found.push((range, pattern.rule)));
    }
    if let Some(generated) = GENERATED.as_ref().filter(|_| guess) {
        for captures in generated.captures_iter(text) {
            let looks = captures
                .name("v1")
                .is_some_and(|word| looks_generated(word.as_bytes()));
            if let Some(range) = hidden(&captures).filter(|_| looks && captures.name("d").is_none()) {
                found.push((range, HidingRule::LooksGenerated));
            }
        }
    }
    found
}

/// The texts that patterns find in a text.
pub(crate) fn texts_in(text: &str) -> Vec<String> {
    found(text.as_bytes(), false)
        .into_iter()
        .filter_map(|(range, _)| text.get(range).map(str::to_owned))
        .collect()
}

/// Whether a name tells that its value is a secret.
pub(crate) fn is_telling(name: &str) -> bool {
    static NAME: LazyLock<Option<Regex>> =
        LazyLock::new(|| RegexBuilder::new(TELLING).case_insensitive(true).build().ok());
    // As they are written in one word: accessKey, DBPASS.
    let ends_in_pass = name.to_ascii_lowercase().ends_with("pass");
    let tells = NAME
        .as_ref()
        .is_some_and(|telling| telling.is_match(name.as_bytes()));
    (tells || ends_in_pass) && !is_reference(name)
}

/// Whether a value says nothing that anybody would hide: nothing at all, a word, a small number, or what was hidden.
pub(crate) fn is_trivial(value: &str) -> bool {
    let number = value.len() < SHORTEST_NUMBER && value.bytes().all(|byte| byte.is_ascii_digit());
    let hidden = value.bytes().all(|byte| byte == b'*');
    number || hidden || TRIVIAL.contains(&value.to_ascii_lowercase().as_str())
}

fn is_reference(name: &str) -> bool {
    let name: String = name
        .to_ascii_lowercase()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    REFERENCES.iter().any(|end| name.ends_with(end))
}

/// Shows what a pattern hides. A value may swallow the name of the next one, so the search goes on inside of it.
fn each(regex: &Regex, text: &[u8], mut show: impl FnMut(Range<usize>)) {
    let mut place = 0;
    while let Some(captures) = regex.captures_at(text, place) {
        let (Some(whole), Some(value)) = (captures.get(0), value(&captures)) else {
            return;
        };
        if let Some(range) = hidden(&captures) {
            show(range);
        }
        let named = value.start() > whole.start() && value.len() <= LOOKED_THROUGH;
        place = if named { value.start() } else { whole.end() };
    }
}

fn value<'a>(captures: &Captures<'a>) -> Option<Match<'a>> {
    ["v1", "v2", "v3"].iter().find_map(|group| captures.name(group))
}

/// What of a match is hidden.
fn hidden(captures: &Captures<'_>) -> Option<Range<usize>> {
    let name = captures
        .name("k")
        .map(|name| String::from_utf8_lossy(name.as_bytes()));
    if name.is_some_and(|name| is_reference(&name)) {
        return None;
    }
    let value = value(captures)?;
    let said = String::from_utf8_lossy(value.as_bytes());
    (!is_trivial(said.trim_end_matches([',', ';', '}', ']', ')']))).then(|| value.range())
}

fn looks_generated(word: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| word.iter().any(kind);
    let mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
    let key = word.len() >= 32 && word.iter().all(u8::is_ascii_hexdigit);
    mixed || key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<(HidingRule, String)> {
        found(text.as_bytes(), false)
            .into_iter()
            .map(|(range, rule)| (rule, text[range].to_owned()))
            .collect()
    }

    #[test]
    fn every_pattern_is_well_formed() {
        assert_eq!(PATTERNS.len(), 22);
        assert!(GENERATED.is_some());
    }

    #[test]
    fn secrets_are_told_by_where_they_stand() {
        for (text, rule, hidden) in [
            (
                "postgres://app:hush/@7@db:5432/x",
                HidingRule::UrlPassword,
                "hush/@7",
            ),
            ("https://hush@github.com/x", HidingRule::UrlPassword, "hush"),
            ("app:hush@tcp(db:3306)/x", HidingRule::UrlPassword, "hush"),
            ("host=db password=hush dbname=x", HidingRule::NamedValue, "hush"),
            ("PGPASSWORD='hu sh' psql", HidingRule::NamedValue, "hu sh"),
            (
                r#"{"dbPassword": "hu\"sh", "a": 1}"#,
                HidingRule::NamedValue,
                r#"hu\"sh"#,
            ),
            (
                r#"{"api_key": "hush and cut"#,
                HidingRule::NamedValue,
                "hush and cut",
            ),
            ("clientSecret: hush", HidingRule::NamedValue, "hush"),
            ("SMTP_PASS=hush", HidingRule::NamedValue, "hush"),
            (
                "- name: ACCESS_KEY\n  value: hush",
                HidingRule::NamedValue,
                "hush",
            ),
            (
                r#"{"name":"TOKEN","value":"hush"}"#,
                HidingRule::NamedValue,
                "hush",
            ),
            (
                "alter role app password 'hu''sh'",
                HidingRule::NamedValue,
                "hu''sh",
            ),
            ("migrate --db-password hush up", HidingRule::NamedValue, "hush"),
            (
                "Authorization: Basic aHVzaA==",
                HidingRule::Token,
                "Basic aHVzaA==",
            ),
            (
                "-----BEGIN EC PRIVATE KEY-----\nhush",
                HidingRule::PrivateKey,
                "\nhush",
            ),
        ] {
            let told = rules(text);
            assert!(told.contains(&(rule, hidden.to_owned())), "{text}: {told:?}");
        }
    }

    #[test]
    fn tokens_are_told_by_their_shape() {
        for token in [
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmVk",
            "AKIAABCDEFGHIJKLMNOP",
            "ghp_abcdefghijklmnopqrstuvwx",
            "glpat-abcdefghijklmnopqr",
            "xoxb-1234567890-abc",
            "SCRAM-SHA-256$4096:salt$stored:server",
        ] {
            let text = format!("said {token} again");
            assert_eq!(rules(&text), [(HidingRule::Token, token.to_owned())]);
        }
    }

    #[test]
    fn what_only_tells_of_a_secret_stays() {
        for text in [
            "secretName: books-tls",
            "passwordFile: /run/secrets/pw",
            "secretKeyRef:\n  name: books-db\n  key: url",
            "automountServiceAccountToken: false",
            "password_encryption = scram-sha-256",
            "password authentication failed for user \"app\"",
            "https://example.com/a?b=c",
            "\"pass\": 38, \"passed\": true",
            "http://10.0.0.1:8080/healthz",
        ] {
            assert_eq!(rules(text), [], "{text}");
        }
    }

    #[test]
    fn names_tell_in_any_spelling() {
        for name in [
            "password",
            "DB_PASSWORD",
            "adminPass",
            "accessKey",
            "api-key",
            "tokens",
        ] {
            assert!(is_telling(name), "{name}");
        }
        for name in [
            "secretName",
            "imagePullSecretsRef",
            "key",
            "bypass_rules",
            "user",
            "path",
        ] {
            assert!(!is_telling(name), "{name}");
        }
    }

    #[test]
    fn guessing_spares_names_of_pods_and_digests() {
        let guessed = |text: &str| found(text.as_bytes(), true).len();
        assert_eq!(guessed("books-web-7d9f8b6c5d-x2x4z"), 0);
        assert_eq!(guessed(&format!("sha256:{}", "0a".repeat(32))), 0);
        assert_eq!(guessed("it is Xk29fkQ0pLm3nB7v8cT2"), 1);
        assert_eq!(guessed(&"0a".repeat(16)), 1);
    }
}
