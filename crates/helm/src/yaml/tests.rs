//! What goes through the tree comes out with the same meaning.

use serde_json::{Value, json};

use super::{emit, parse};

fn read(text: &str) -> Value {
    parse(text).unwrap().unwrap().to_json()
}

const TRAPS: &str = r#"
on: yes
"off": "no"
mode: 0644
quotedMode: "0644"
version: 1.10
quotedVersion: "1.10"
big: 12345678901234567
bigger: 18446744073709551615
exponent: 1e3
country: NO
date: 2024-01-02
time: 12:30:45
port: 08
hex: 0x1F
under: 1_000
empty:
tilde: ~
text: |
  first
    second

  third
folded: >-
  one
  two
plain: word, [not] {flow}: really# yes
multi: one
  two

  three
tagged: !!str 12
tag2: !!binary aGk=
"quoted key": {a: [1, "2", three], b: {}}
list:
- - nested
- name: x
  value: ':'
nel: "a\u0085b\u2028c\u007f"
base: &base {cpu: 100m, memory: "1"}
alias: *base
merge:
  <<: *base
  cpu: 200m
"#;

#[test]
fn scalars_mean_what_they_mean_to_helm() {
    let value = read(TRAPS.replace("word, [not] {flow}: really# yes", "word").as_str());
    let expected = json!({
        "true": true, "off": "no", "mode": 420, "quotedMode": "0644", "version": 1.1, "quotedVersion": "1.10",
        "big": 12345678901234567_u64, "bigger": u64::MAX, "exponent": 1000, "country": false,
        "date": "2024-01-02", "time": "12:30:45", "port": 8, "hex": 31, "under": 1000, "empty": null, "tilde": null,
        "text": "first\n  second\n\nthird\n", "folded": "one two", "plain": "word", "multi": "one two\nthree",
        "tagged": "12", "tag2": "aGk=", "quoted key": {"a": [1, "2", "three"], "b": {}},
        "list": [["nested"], {"name": "x", "value": ":"}], "nel": "a\u{85}b\u{2028}c\u{7f}",
        "base": {"cpu": "100m", "memory": "1"}, "alias": {"cpu": "100m", "memory": "1"},
        "merge": {"cpu": "200m", "memory": "1"},
    });
    assert_eq!(value, expected);
}

#[test]
fn emitting_and_reading_again_changes_nothing() {
    let text = TRAPS.replace(
        "word, [not] {flow}: really# yes",
        "word, [not] {flow} really# yes",
    );
    let tree = parse(&text).unwrap().unwrap();
    let again = emit(&tree);
    assert_eq!(
        parse(&again).unwrap().unwrap().to_json(),
        tree.to_json(),
        "{again}"
    );
    for kept in [
        "on: yes",
        "mode: 0644",
        "version: 1.10",
        "quotedVersion: \"1.10\"",
        "tagged: !!str 12",
    ] {
        assert!(again.contains(kept), "{kept} is missing from\n{again}");
    }
}

#[test]
fn a_broken_document_is_refused_with_its_line() {
    let error = parse("a: 1\nb: [\n").unwrap_err();
    assert!(error.contains("line"), "{error}");
    assert!(parse("a: !ours 1").unwrap_err().contains("none of YAML's own"));
}

#[test]
fn a_document_of_comments_is_empty() {
    assert!(parse("---\n# nothing\n").unwrap().is_none());
    assert!(parse("").unwrap().is_none());
}

#[test]
fn aliases_cannot_exhaust_memory() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = level - 1;
        let item = format!("*a{below}");
        bomb += &format!("a{level}: &a{level} [{}]\n", vec![item; 10].join(", "));
    }
    assert!(parse(&bomb).unwrap_err().contains("nodes"));
}
