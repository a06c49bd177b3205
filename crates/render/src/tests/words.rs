//! Numbers and colours.

use crate::Style;
use crate::words::{age, bytes, seconds};

#[test]
fn numbers_are_said_as_people_read_them() {
    assert_eq!(
        [seconds(0.44), seconds(12.4), seconds(185.0), seconds(3720.0)],
        ["0.4 s", "12 s", "3 min 05 s", "1 h 02 min"]
    );
    assert_eq!(
        [bytes(912), bytes(4100), bytes(281_000_000), bytes(999_600)],
        ["912 B", "4.1 kB", "281 MB", "1.0 MB"]
    );
    assert_eq!(
        [age(5), age(400), age(7500), age(400_000)],
        ["just now", "6 min", "2 h", "4 days"]
    );
}

#[test]
fn colours_are_off_for_pipes_and_by_no_color() {
    assert!(Style::decide(true, None, Some("C.UTF-8")).colour);
    assert!(!Style::decide(true, Some("1"), None).colour);
    assert!(!Style::decide(false, None, None).colour);
}
