//! What is hidden, what stays, and what is told of it.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use model::HidingRule;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::*;

/// A value with every character that somebody escapes.
const PLANTED: &str = "s3c/ret+pl\"an<ted&=va'lue\\4711";

fn redactor(values: &[(&str, &str)]) -> Redactor {
    let mut known = KnownValues::default();
    for (name, value) in values {
        known.add(name, value.as_bytes());
    }
    Redactor::new(&known, false).unwrap()
}

fn shown(redactor: &Redactor, text: &str) -> (String, Vec<HidingRule>) {
    let redacted = redactor.redact(text, Language::Text).unwrap();
    let rules = redacted.hidden.iter().map(|hidden| hidden.rule).collect();
    (redacted.text, rules)
}

#[test]
fn a_value_is_hidden_in_every_spelling_and_told_by_its_rule() {
    let redactor = redactor(&[("key", PLANTED)]);
    let in_json = serde_json::to_string(PLANTED).unwrap();
    let in_json = in_json.trim_matches('"').to_owned();
    let twice = serde_json::to_string(&in_json).unwrap();
    let percent = utf8_percent_encode(PLANTED, NON_ALPHANUMERIC).to_string();
    let hex: String = PLANTED.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02X}").unwrap();
        hex
    });
    for (spelled, rule) in [
        (PLANTED.to_owned(), HidingRule::KnownValue),
        (in_json, HidingRule::KnownValue),
        (twice.trim_matches('"').to_owned(), HidingRule::KnownValue),
        (
            PLANTED
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('"', "&quot;")
                .replace('\'', "&#39;"),
            HidingRule::KnownValue,
        ),
        (PLANTED.replace('\'', "''"), HidingRule::KnownValue),
        (percent.clone(), HidingRule::KnownValueUrlEncoded),
        (
            percent.to_ascii_lowercase().replace("%2f", "/"),
            HidingRule::KnownValueUrlEncoded,
        ),
        (
            utf8_percent_encode(&percent, NON_ALPHANUMERIC).to_string(),
            HidingRule::KnownValueUrlEncoded,
        ),
        (STANDARD.encode(PLANTED), HidingRule::KnownValueBase64),
        (URL_SAFE.encode(PLANTED), HidingRule::KnownValueBase64),
        (
            STANDARD.encode(format!("a:{PLANTED}")),
            HidingRule::KnownValueBase64,
        ),
        (
            STANDARD.encode(format!("ab{PLANTED} more")),
            HidingRule::KnownValueBase64,
        ),
        (
            utf8_percent_encode(&STANDARD.encode(PLANTED), NON_ALPHANUMERIC).to_string(),
            HidingRule::KnownValueBase64,
        ),
        (hex, HidingRule::KnownValueHex),
    ] {
        let (text, rules) = shown(&redactor, &format!("before {spelled} behind"));
        assert_eq!(text, "before *** behind", "{spelled}");
        assert_eq!(rules, [rule], "{spelled}");
    }
}

#[test]
fn a_value_that_goes_on_in_the_next_line_is_hidden_in_both() {
    let redactor = redactor(&[("key", PLANTED)]);
    let (begin, end) = PLANTED.split_at(9);
    for between in ["\n", "\r\n    ", "\n2026-11-30T01:02:03.456789Z "] {
        let (text, rules) = shown(&redactor, &format!("it is {begin}{between}{end} you see"));
        assert_eq!(text, "it is *** you see");
        assert_eq!(rules, [HidingRule::KnownValueOverLines]);
    }
    let encoded = STANDARD.encode(PLANTED);
    let (begin, end) = encoded.split_at(20);
    let (text, _) = shown(&redactor, &format!("{begin}\n{end}\n(next)"));
    assert_eq!(text, "***\n(next)");
}

#[test]
fn a_short_value_is_hidden_as_a_word_and_a_shorter_one_behind_its_name_alone() {
    let redactor = redactor(&[
        ("password", "shop7"),
        ("pin", "abc"),
        ("flag", "true"),
        ("n", "12"),
    ]);
    assert_eq!(
        shown(&redactor, "shop7 workshop7 shop77 (shop7)").0,
        "*** workshop7 shop77 (***)"
    );
    assert_eq!(
        shown(&redactor, "abc true 12 pin=abc token=abc").0,
        "abc true 12 pin=abc token=***"
    );
    assert_eq!(redactor.too_short(), 1);
    assert_eq!(redactor.values(), 1);
}

#[test]
fn names_that_stand_in_the_open_stay_unless_they_are_a_password() {
    let mut known = KnownValues::default();
    known.add_public("bookshelf");
    known.add("username", b"bookshelf");
    let open = Redactor::new(&known, false).unwrap();
    assert_eq!(shown(&open, "role bookshelf").0, "role bookshelf");
    known.add("password", b"bookshelf");
    let closed = Redactor::new(&known, false).unwrap();
    assert_eq!(shown(&closed, "role bookshelf").0, "role ***");
}

#[test]
fn the_values_inside_of_a_value_are_secret_too() {
    let url = "postgres://app:p%40ss-in-url@db:5432/shop?sslmode=disable";
    let file = "server: books\nmail.password=\"correct horse\"\ntimeout: 30s\n";
    let redactor = redactor(&[
        ("DATABASE_URL", url),
        ("app.properties", file),
        ("auth.json", r#"{"auths":{"x":{"auth":"dXNlcjpwYXNzd29yZA=="}}}"#),
    ]);
    let (text, _) = shown(
        &redactor,
        "p@ss-in-url, p%40ss-in-url, correct horse, dXNlcjpwYXNzd29yZA==, 30s",
    );
    assert_eq!(text, "***, ***, ***, ***, 30s");
}

#[test]
fn a_long_value_is_known_by_every_line_of_its_base64() {
    let long: String = (0..400)
        .map(|number| char::from(b'a' + u8::try_from(number % 23).unwrap()))
        .collect();
    let redactor = redactor(&[("key", &long)]);
    let encoded = STANDARD.encode(format!("x{long}"));
    let lines: Vec<String> = encoded
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    let (text, _) = shown(&redactor, &format!("{}\n(end)", lines.join("\n")));
    assert!(!lines.iter().any(|line| text.contains(line.as_str())), "{text}");
    assert!(text.ends_with("(end)"), "{text}");
}

#[test]
fn fields_with_telling_names_are_secret_wherever_they_stand() {
    let mut known = KnownValues::default();
    known.add_fields(&json!({
        "auth": {"adminPassword": "from-values", "existingSecret": "books-db", "port": 5432},
        "env": [{"name": "API_TOKEN", "value": "from-env"}, {"name": "MODE", "value": "production"}],
        "dsn": "postgres://app:from-url@db/x", "pinPassword": 4711,
    }));
    let redactor = Redactor::new(&known, false).unwrap();
    let (text, _) = shown(
        &redactor,
        "from-values from-env from-url 4711 books-db production 5432",
    );
    assert_eq!(text, "*** *** *** *** books-db production 5432");
}

#[test]
fn json_stays_json() {
    let redactor = redactor(&[("password", "20261130"), ("key", PLANTED), ("other", "new\"line")]);
    let document = json!({
        "number": 20_261_130, "far": 1.5, "text": format!("\n{PLANTED}\u{1}"), "nested": json!({"a": "new\"line"}).to_string(),
        "password": true, "token": 12_345, "message": "the password: ", "next": "stays", PLANTED: [PLANTED, "x"],
        "half": "\\new\"line", "open": "token=\"abc",
    });
    let redacted = redactor.redact(&document.to_string(), Language::Json).unwrap();
    let read: Value = serde_json::from_str(&redacted.text).unwrap();
    assert_eq!(read["number"], "***");
    assert_eq!(read["token"], "***");
    assert_eq!(read["password"], true);
    assert_eq!(read["next"], "stays");
    assert_eq!(read["far"], 1.5);
    assert_eq!(read["***"], json!(["***", "x"]));
    assert_eq!(read["open"], "token=***");
    assert!(
        !redacted.text.contains("4711") && !redacted.text.contains("line\""),
        "{}",
        redacted.text
    );
}

#[test]
fn tags_of_a_page_stay() {
    let redactor = redactor(&[("key", PLANTED)]);
    let page = "<td>password=hush</td><td>token: &quot;hush&quot;</td>";
    let redacted = redactor.redact(page, Language::Html).unwrap();
    assert!(!redacted.text.contains("hush"), "{}", redacted.text);
    assert_eq!(redacted.text.matches("</td>").count(), 2, "{}", redacted.text);
}

#[test]
fn what_was_redacted_is_not_redacted_again() {
    let redactor = redactor(&[("key", PLANTED)]);
    let text = format!("{PLANTED}\npassword={PLANTED}\npostgres://a:b@c/d");
    let once = redactor.redact(&text, Language::Text).unwrap();
    let twice = redactor.redact(&once.text, Language::Text).unwrap();
    assert_eq!(once.text, twice.text);
    assert_eq!(twice.hidden, []);
}

#[test]
fn where_secrets_are_not_known_what_looks_generated_goes_too() {
    let known = KnownValues::default();
    let text = "the word Xk29fkQ0pLm3nB7v8cT2 of pod books-web-7d9f8b6c5d-x2x4z";
    let knows_all = Redactor::new(&known, false).unwrap();
    assert_eq!(shown(&knows_all, text).0, text);
    let guesses = Redactor::new(&known, true).unwrap();
    let (text, rules) = shown(&guesses, text);
    assert_eq!(text, "the word *** of pod books-web-7d9f8b6c5d-x2x4z");
    assert_eq!(rules, [HidingRule::LooksGenerated]);
}
