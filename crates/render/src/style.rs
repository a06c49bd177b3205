//! Colours and glyphs, decided once and handed down.

use std::borrow::Cow;

/// Which characters a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// Check marks and arrows.
    Unicode,
    /// Plain letters.
    Ascii,
}

/// How text is dressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colours are used.
    pub colour: bool,
    /// Which characters are used.
    pub glyphs: Glyphs,
}

/// The few meanings a colour has here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Care,
    Bad,
    Faint,
    Strong,
}

impl Tone {
    /// The class of a page's style sheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Care => "care",
            Self::Bad => "bad",
            Self::Faint | Self::Strong => "",
        }
    }
}

impl Style {
    /// No colours and plain letters: for pipes, files and tests.
    pub fn plain() -> Self {
        Self {
            colour: false,
            glyphs: Glyphs::Ascii,
        }
    }

    /// Decides by the terminal and the environment: `NO_COLOR` set to anything but nothing switches colours off, a locale
    /// that is not UTF-8 the glyphs.
    pub fn decide(terminal: bool, no_color: Option<&str>, locale: Option<&str>) -> Self {
        let utf8 = locale.is_some_and(|locale| locale.to_ascii_uppercase().replace('-', "").contains("UTF8"));
        Self {
            colour: terminal && no_color.is_none_or(str::is_empty),
            glyphs: if utf8 { Glyphs::Unicode } else { Glyphs::Ascii },
        }
    }

    /// Dresses a text.
    pub(crate) fn paint<'a>(self, tone: Tone, text: &'a str) -> Cow<'a, str> {
        if !self.colour {
            return Cow::Borrowed(text);
        }
        let code = match tone {
            Tone::Good => "32",
            Tone::Care => "33",
            Tone::Bad => "31",
            Tone::Faint => "2",
            Tone::Strong => "1",
        };
        Cow::Owned(format!("\u{1b}[{code}m{text}\u{1b}[0m"))
    }

    /// One of two spellings.
    pub(crate) fn glyph(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self.glyphs {
            Glyphs::Unicode => unicode,
            Glyphs::Ascii => ascii,
        }
    }
}
