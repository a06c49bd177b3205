//! Colours and glyphs, decided once and handed down.

use std::borrow::Cow;

use model::text::steers;

/// How a command to a terminal begins.
const ESCAPE: &str = "\u{1b}[";

/// What ends a colour.
const PLAIN: &str = "0";

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
    const ALL: [Self; 5] = [Self::Good, Self::Care, Self::Bad, Self::Faint, Self::Strong];

    /// What a terminal takes for it.
    fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Care => "33",
            Self::Bad => "31",
            Self::Faint => "2",
            Self::Strong => "1",
        }
    }

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
        let code = tone.code();
        Cow::Owned(format!("{ESCAPE}{code}m{text}{ESCAPE}{PLAIN}m"))
    }

    /// A whole text as it may be shown, whoever gave words to it: line ends, tabs and our own colours stay, and whatever else
    /// would steer a terminal or hide text becomes a blank.
    pub fn guarded(self, text: &str) -> String {
        let mut guarded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let Some(colour) = own_colour(rest).filter(|_| self.colour) {
                guarded.push_str(colour);
                rest = &rest[colour.len()..];
                continue;
            }
            let stays = !steers(first) || matches!(first, '\n' | '\t');
            guarded.push(if stays { first } else { ' ' });
            rest = &rest[first.len_utf8()..];
        }
        guarded
    }

    /// One of two spellings.
    pub(crate) fn glyph(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self.glyphs {
            Glyphs::Unicode => unicode,
            Glyphs::Ascii => ascii,
        }
    }
}

/// The colour of ours that begins or ends here.
fn own_colour(text: &str) -> Option<&str> {
    let (code, _) = text.strip_prefix(ESCAPE)?.split_once('m')?;
    let is_own = code == PLAIN || Tone::ALL.iter().any(|tone| tone.code() == code);
    is_own.then(|| &text[..ESCAPE.len() + code.len() + 1])
}
