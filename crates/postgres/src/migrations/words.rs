//! A statement as key words and names in their order.

use super::tokens::Token;

/// The rest of a statement.
#[derive(Clone, Copy)]
pub(super) struct Words<'a>(&'a [Token]);

impl<'a> Words<'a> {
    /// All of a statement.
    pub(super) fn of(statement: &'a [Token]) -> Self {
        Self(statement)
    }

    /// Its words one by one, each with what follows it.
    pub(super) fn each(self) -> impl Iterator<Item = (&'a Token, Self)> {
        let tokens = self.0.iter().enumerate();
        tokens.map(move |(index, token)| (token, Self(&self.0[index + 1..])))
    }

    /// Whether these key words stand here.
    pub(super) fn begins(self, words: &[&str]) -> bool {
        self.after(words).is_some()
    }

    /// What follows these key words.
    pub(super) fn after(self, words: &[&str]) -> Option<Self> {
        let begins =
            self.0.len() >= words.len() && self.0.iter().zip(words).all(|(token, word)| token.is(word));
        begins.then(|| Self(&self.0[words.len()..]))
    }

    /// What follows these key words where they stand here, else all.
    pub(super) fn without(self, words: &[&str]) -> Self {
        self.after(words).unwrap_or(self)
    }

    /// The name that stands here, with its schema where one is written, and what follows it.
    pub(super) fn name(self) -> Option<(String, Self)> {
        let mut parts: Vec<&str> = Vec::new();
        let mut rest = self.0;
        loop {
            let (Token::Word(part) | Token::Name(part)) = rest.first()? else {
                return None;
            };
            parts.push(part);
            rest = &rest[1..];
            if rest.first() != Some(&Token::Mark('.')) {
                return Some((parts.join("."), Self(rest)));
            }
            rest = &rest[1..];
        }
    }

    /// Whether these key words stand anywhere, but for what stands in parentheses.
    pub(super) fn has(self, words: &[&str]) -> bool {
        self.at(words).is_some()
    }

    /// What follows these key words where they first stand, but for what stands in parentheses.
    pub(super) fn at(self, words: &[&str]) -> Option<Self> {
        let mut depth = 0_usize;
        for (index, token) in self.0.iter().enumerate() {
            match token {
                Token::Mark('(') => depth += 1,
                Token::Mark(')') => depth = depth.saturating_sub(1),
                _ if depth == 0 => {
                    if let Some(rest) = Self(&self.0[index..]).after(words) {
                        return Some(rest);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// What follows the next closing parenthesis, with what stands before it.
    pub(super) fn closed(self) -> Option<(Self, Self)> {
        let close = self.0.iter().position(|token| *token == Token::Mark(')'))?;
        Some((Self(&self.0[..close]), Self(&self.0[close + 1..])))
    }

    /// The parts between commas that do not stand in parentheses.
    pub(super) fn parts(self) -> Vec<Words<'a>> {
        let (mut depth, mut begun, mut parts) = (0_usize, 0, Vec::new());
        for (index, token) in self.0.iter().enumerate() {
            match token {
                Token::Mark('(') => depth += 1,
                Token::Mark(')') => depth = depth.saturating_sub(1),
                Token::Mark(',') if depth == 0 => {
                    parts.push(Self(&self.0[begun..index]));
                    begun = index + 1;
                }
                _ => {}
            }
        }
        parts.push(Self(&self.0[begun..]));
        parts
    }
}
