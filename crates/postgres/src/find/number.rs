//! Whether a text tells a machine by its number.

use std::net::IpAddr;

/// Whether a text holds the number of another machine: alone, with a port, or in a URL. A network (`10.0.0.0/8`) is nobody's
/// address.
pub(super) fn tells_a_number(text: &str) -> bool {
    let mut read = 0;
    while let Some(gap) = text[read..].find(is_part) {
        let (before, rest) = text.split_at(read + gap);
        let length = rest.find(|character| !is_part(character));
        let (word, after) = rest.split_at(length.unwrap_or(rest.len()));
        read = before.len() + word.len();
        let bits = after.strip_prefix('/').unwrap_or_default();
        let in_url = before.ends_with("://") || before.ends_with('@');
        let network = !in_url && bits.starts_with(|bit: char| bit.is_ascii_digit());
        if holds_a_number(word, network) {
            return true;
        }
    }
    false
}

fn is_part(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_' | ':')
}

/// Whether a word is a number, or has one beside a port or a name. The last one of a network does not count.
fn holds_a_number(word: &str, network: bool) -> bool {
    let (first, last) = word.rsplit_once(':').unwrap_or(("", word));
    let ends_with_one = is_another(word) || is_another(last);
    (ends_with_one && !network) || first.split(':').any(is_another)
}

/// Whether this is the number of a machine other than the own one. A sentence may end behind it.
fn is_another(word: &str) -> bool {
    let address: Result<IpAddr, _> = word
        .parse()
        .or_else(|_| word.trim_end_matches(['.', ':', '-']).parse());
    address.is_ok_and(|address| {
        let address = address.to_canonical();
        !address.is_loopback() && !address.is_unspecified()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_told_by_number_alone_with_a_port_and_in_urls() {
        for text in [
            "10.0.0.5",
            "10.0.0.5:6379",
            "10.0.0.5:6379/0",
            "redis://:secret@10.0.0.5:6379/0",
            "http://10.0.0.5/8",
            "a=1 host=192.168.1.7 port=5432",
            "the cache is at 10.0.0.5.",
            "hosts: [10.1.1.1, 10.1.1.2]",
            "hosts:10.1.1.1",
            "http://[fd00::7]:80/",
            "fd00::7",
            "host=fd00::7 port=5432",
            "hosts: fd00::7, fd00::8",
            "no answer from fd00::7: refused",
            "::ffff:10.0.0.5",
        ] {
            assert!(tells_a_number(text), "{text}");
        }
        for text in [
            "",
            "127.0.0.1:8080",
            "0.0.0.0:8080",
            "[::]:8080",
            "listen on ::1, or on :::8080",
            "::ffff:127.0.0.1",
            "10.0.0.0/8,192.168.0.0/16",
            "allow fd00::/8",
            "v1.2.3.4",
            "1.2.3",
            "10.0.0.5.example.com",
            "redis://cache:6379",
            "2024-01-01T00:00:00Z",
            "at 12:30:45",
            "00:1b:63:84:45:e6",
            "std::net",
            "Größe: 5",
        ] {
            assert!(!tells_a_number(text), "{text}");
        }
    }
}
