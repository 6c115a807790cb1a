//! Text that people write: names, descriptions, reasons.
//!
//! All of it is kept in Unicode normalization form C (UAX 15), so that what looks the same is the same:
//! two ways of writing `é` are found by one search and stand beside each other in a list. Lengths count
//! the characters (Unicode scalar values) of that form.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::error::Problem;

/// Declares a newtype over `String` whose only constructor is its `parse`.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}
pub(crate) use text_type;

text_type! {
    /// What people call a client: 1 to 128 visible characters and spaces of any script. What Cognito
    /// takes as a name is narrower, and made of this one where it is needed
    /// ([`ascii_name`](crate::authorization_server::pool::ascii_name)).
    ClientName
}

text_type! {
    /// What people call a resource server: 1 to 256 visible characters and spaces of any script, as
    /// [`ClientName`].
    ResourceServerName
}

text_type! {
    /// What something is for: at most 1,000 characters, no control characters but line feeds. May be empty.
    Description
}

text_type! {
    /// Why someone wants or ends something: 1 to 1,000 characters, no control characters but line feeds.
    Reason
}

text_type! {
    /// What a scope lets a client do: 1 to 256 characters (Cognito `ResourceServerScopeDescriptionType`).
    ScopeDescription
}

text_type! {
    /// What people call a team: 1 to 128 characters on one line.
    TeamName
}

text_type! {
    /// Where to reach a team, such as an address or a channel: at most 256 characters on one line. May be empty.
    TeamContact
}

impl ClientName {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        name(text, 128).map(Self)
    }
}

impl ResourceServerName {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        name(text, 256).map(Self)
    }
}

impl Description {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        prose(text, 1000).map(Self)
    }
}

impl Reason {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        required(text)?;
        prose(text, 1000).map(Self)
    }
}

impl ScopeDescription {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        required(text)?;
        prose(text, 256).map(Self)
    }
}

impl TeamName {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        required(text)?;
        label(text, 128).map(Self)
    }
}

impl TeamContact {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        label(text, 256).map(Self)
    }
}

/// Refuses the empty text.
pub(crate) fn required(text: &str) -> Result<(), Problem> {
    if text.is_empty() { Err(Problem::Required) } else { Ok(()) }
}

/// Refuses more than `max` characters.
pub(crate) fn at_most(text: &str, max: usize) -> Result<(), Problem> {
    // Bytes bound characters from above, so most texts are not counted.
    if text.len() > max && text.chars().count() > max {
        return Err(Problem::TooLong { max, unit: "characters" });
    }
    Ok(())
}

/// How many marks may stand on one character: no orthography needs more, in normalization form C.
const MARKS_MAX: u32 = 4;

/// Refuses white space at either end: two names that look alike must not differ.
fn trimmed(text: &str) -> Result<(), Problem> {
    if text.trim() == text {
        Ok(())
    } else {
        Err(Problem::Malformed("without white space at its ends"))
    }
}

/// A line that people call something by.
fn name(text: &str, max: usize) -> Result<String, Problem> {
    required(text)?;
    let text = normalized(text, max)?;
    if text.chars().any(|c| c != ' ' && (c.is_control() || c.is_whitespace() || is_invisible(c))) {
        return Err(Problem::Characters("visible characters and spaces"));
    }
    trimmed(&text)?;
    undisguised(&text)?;
    if text.starts_with(is_combining_mark) {
        // It would hang on whatever stands before the name.
        return Err(Problem::Malformed("without a combining mark at its beginning"));
    }
    Ok(text)
}

fn prose(text: &str, max: usize) -> Result<String, Problem> {
    let text = normalized(text, max)?;
    if text.chars().any(|c| (c.is_control() && c != '\n') || is_invisible(c)) {
        return Err(Problem::Characters("visible characters, spaces and line feeds"));
    }
    trimmed(&text)?;
    undisguised(&text)?;
    Ok(text)
}

/// Refuses what changes nothing that is seen, or covers what stands around it: a variation selector after a letter or
/// digit that has no such variant, and piles of combining marks.
fn undisguised(text: &str) -> Result<(), Problem> {
    let mut last = ' ';
    let mut marks = 0;
    for c in text.chars() {
        let selects = matches!(c, '\u{FE00}'..='\u{FE0F}');
        // Emoji keycaps are of digits, `#` and `*` (UTS 51, ED-14c).
        let keycap = c == '\u{FE0F}' && (last.is_ascii_digit() || matches!(last, '#' | '*'));
        if selects && !keycap && (last.is_alphanumeric() || last.is_ascii()) {
            return Err(Problem::Characters("no variation selectors after letters and digits"));
        }
        marks = if is_combining_mark(c) && !selects { marks + 1 } else { 0 };
        if marks > MARKS_MAX {
            return Err(Problem::Characters("at most 4 combining marks on one character"));
        }
        last = c;
    }
    Ok(())
}

/// Prose on one line.
pub(crate) fn label(text: &str, max: usize) -> Result<String, Problem> {
    let text = prose(text, max)?;
    if text.contains('\n') {
        return Err(Problem::Characters("visible characters and spaces"));
    }
    Ok(text)
}

/// The text in normalization form C, if that has at most `max` characters.
fn normalized(text: &str, max: usize) -> Result<String, Problem> {
    // Other spellings of it are up to three times as long, in bytes (UAX 15, table "Maximum Expansion
    // Factors"). What is longer than that is not worth the work.
    if text.len() > 3 * 4 * max {
        return Err(Problem::TooLong { max, unit: "characters" });
    }
    let text: String = text.nfc().collect();
    at_most(&text, max)?;
    Ok(text)
}

/// Characters that reorder, hide or fake what a person reads: those that Unicode tells programs not to
/// show (`Default_Ignorable_Code_Point` of `DerivedCoreProperties`: bidirectional controls, zero-width
/// characters, fillers, tags; but not the variation selectors that emoji carry), separators of lines and
/// paragraphs, marks of annotations and of broken text, the empty Braille cell, and private use, which
/// every font shows as it likes.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{E000}'..='\u{F8FF}'
        | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFF}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D159}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{10FFFF}')
}

/// Text of 0 to 100 characters for a search, normalized as what it is sought in, and lower-cased.
///
/// # Errors
///
/// [`Problem::TooLong`], [`Problem::Characters`].
pub fn parse_search(text: &str) -> Result<String, Problem> {
    let text = normalized(text, 100)?;
    if text.chars().any(char::is_control) {
        return Err(Problem::Characters("visible characters and spaces"));
    }
    Ok(text.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_people_and_firms_are_called() {
        for good in [
            "Partner shop, v2 @ acme.com",
            "Zoë",
            "Müller & Söhne",
            "L’Oréal (Paris)",
            "O'Brien \"Bikes\" #1: 100% / C++",
            "Ελληνικά",
            "東京ヘルスフード",
            "سوق دبي",
            "हिन्दी",
            "7–Eleven™",
            "🦀 ❤\u{fe0f} shop",
            "1\u{fe0f}\u{20e3} Ltd",
            "Việt Nam",
        ] {
            assert_eq!(ClientName::parse(good).unwrap().as_str(), good);
            assert!(ResourceServerName::parse(good).is_ok(), "{good}");
        }
        assert_eq!(ClientName::parse(""), Err(Problem::Required));
        for bad in [
            "a\tb",
            "a\nb",
            "a\u{0}b",
            "a\u{7f}b",
            "a\u{85}b",
            "a\u{a0}b",
            "a\u{ad}b",
            "a\u{61c}b",
            "a\u{200d}b",
            "a\u{202e}b",
            "a\u{2028}b",
            "a\u{2069}b",
            "a\u{3000}b",
            "\u{3164}",
            "\u{2800}",
            "a\u{e000}",
            "a\u{feff}",
            "a\u{fffd}",
            "a\u{e0041}",
            "a\u{10ffff}",
        ] {
            assert!(matches!(ClientName::parse(bad), Err(Problem::Characters(_))), "{bad:?}");
            assert!(ResourceServerName::parse(bad).is_err(), "{bad:?}");
        }
        for bad in
            ["papp\u{fe0f}", "a\u{1d159}", "1\u{fe00}", "x\u{317}\u{318}\u{319}\u{31a}\u{31b}"]
        {
            assert!(matches!(ClientName::parse(bad), Err(Problem::Characters(_))), "{bad:?}");
            assert!(TeamName::parse(bad).is_err(), "{bad:?}");
        }
        for bad in [" a", "a ", " ", "\u{301}a"] {
            assert!(matches!(ClientName::parse(bad), Err(Problem::Malformed(_))), "{bad:?}");
        }
    }

    #[test]
    fn names_are_counted_in_characters_of_their_normal_form() {
        let too_long = Err(Problem::TooLong { max: 128, unit: "characters" });
        for one in ["x", "é", "e\u{301}", "東", "🦀"] {
            let name = ClientName::parse(&one.repeat(128)).unwrap();
            assert!(name.as_str().chars().count() == 128 && name.as_str().len() <= 512, "{one}");
            assert_eq!(ClientName::parse(&one.repeat(129)), too_long, "{one}");
            assert!(ResourceServerName::parse(&one.repeat(256)).is_ok(), "{one}");
            assert!(ResourceServerName::parse(&one.repeat(257)).is_err(), "{one}");
        }
        assert_eq!(ClientName::parse(&"x".repeat(1 << 20)), too_long);
    }

    #[test]
    fn what_looks_the_same_is_the_same() {
        let composed = ClientName::parse("Zo\u{eb}").unwrap();
        assert_eq!(ClientName::parse("Zoe\u{308}").unwrap(), composed);
        assert_eq!(parse_search("ZOE\u{308}").unwrap(), "zo\u{eb}");
        assert_eq!(Reason::parse("Zoe\u{308}").unwrap().as_str(), "Zo\u{eb}");
    }

    #[test]
    fn prose_hides_nothing() {
        assert!(Reason::parse("Bestellungen für Häagen: 日本\nsecond line").is_ok());
        for bad in ["a\u{202E}b", "a\u{200B}b", "a\u{61C}b", "a\u{7}b", "a\rb"] {
            assert!(matches!(Reason::parse(bad), Err(Problem::Characters(_))), "{bad:?}");
        }
        assert_eq!(Reason::parse(""), Err(Problem::Required));
        assert!(Description::parse("").is_ok());
    }
}
