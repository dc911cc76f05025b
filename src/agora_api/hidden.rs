//! What is left out of the platform's own words before anybody reads them.
//!
//! Error pages like to show the request, in whatever spelling, and messages about
//! projects may name an App Certificate. The platform's words are cut to an excerpt
//! first, so that a secret may have lost its end. Secrets are looked for character by
//! character, since pages, bodies and addresses differ in which ones they escape.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Digits of an App Certificate. App IDs have as many: a certificate cannot be told from one.
const CERTIFICATE_DIGITS: usize = 32;

/// The first characters of a secret that was cut off: fewer give nothing away.
const TELLING_CHARS: usize = 4;

/// End of an excerpt that was cut.
const CUT: &str = "...";

const HIDDEN: &str = "[hidden]";

/// A secret: for each of its characters, how that one may be written.
pub(super) struct Secret(Vec<Vec<String>>);

impl Secret {
    /// The secret as it is, and in Base64. Nothing where there is none.
    pub(super) fn forms(secret: &str) -> Vec<Self> {
        let base64 = [STANDARD_NO_PAD.encode(secret), URL_SAFE_NO_PAD.encode(secret)];
        let forms = [secret].into_iter().chain(base64.iter().map(String::as_str));
        forms.map(str::trim).filter(|form| !form.is_empty()).map(Self::new).collect()
    }

    fn new(secret: &str) -> Self {
        let mut follows_space = false;
        let spellings = secret.chars().map(|character| {
            let mut spellings = spellings(character);
            // An excerpt is one line, without repeated spaces.
            if character.is_whitespace() && follows_space {
                spellings.push(String::new());
            }
            follows_space = character.is_whitespace();
            spellings
        });
        Self(spellings.collect())
    }

    /// Bytes that it takes at the beginning of a text, or up to the text's end where that was cut.
    fn length_in(&self, text: &str, is_cut: bool) -> Option<usize> {
        let mut reached = BTreeSet::from([0]);
        for (characters, spellings) in self.0.iter().enumerate() {
            let mut next = BTreeSet::new();
            for from in reached {
                let rest = &text[from..];
                let is_telling = is_cut && characters >= TELLING_CHARS;
                for spelling in spellings {
                    if rest.starts_with(spelling.as_str()) {
                        next.insert(from + spelling.len());
                    } else if is_telling && spelling.starts_with(rest) {
                        return Some(text.len());
                    }
                }
            }
            reached = next;
        }
        reached.last().copied()
    }
}

/// How a character may be written: plainly, or escaped for a URL, HTML, JSON or a debugger.
fn spellings(character: char) -> Vec<String> {
    let code = u32::from(character);
    let mut escaped = vec![
        format!("&#{code};"),
        format!("&#{code:03};"),
        format!("&#x{code:x};"),
        format!("&#x{code:02x};"),
        character.escape_debug().to_string(),
        character.escape_unicode().to_string(),
    ];
    let bytes = character.to_string().into_bytes();
    escaped.push(bytes.iter().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat());
    let units: Vec<_> = character.encode_utf16(&mut [0; 2]).to_vec();
    escaped.push(units.iter().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat());
    let names: &[&str] = match character {
        '&' => &["&amp;"],
        '<' => &["&lt;"],
        '>' => &["&gt;"],
        '"' => &["&quot;", "\\\""],
        '\'' => &["&apos;", "\\'"],
        '/' => &["\\/"],
        '+' => &["&plus;"],
        _ if character.is_whitespace() => &[" ", "+"],
        // So an excerpt shows it.
        _ if character.is_control() => &["\u{fffd}"],
        _ => &[],
    };
    escaped.extend(names.iter().map(|&name| name.to_owned()));
    // Digits of both cases, without touching the letter that begins an escape.
    let upper = escaped.iter().map(|text| with_upper_digits(text)).collect::<Vec<_>>();
    escaped.extend(upper);
    escaped.push(character.to_string());
    escaped
}

/// `%e9` as `%E9`, `\u00e9` as `\u00E9`, `&#xe9;` as `&#xE9;`.
fn with_upper_digits(escape: &str) -> String {
    let mut upper = String::with_capacity(escape.len());
    let mut is_digit = false;
    for character in escape.chars() {
        let shown = if is_digit { character.to_ascii_uppercase() } else { character };
        upper.push(shown);
        is_digit = match character {
            '%' | 'u' | 'x' => true,
            '\\' | '&' => false,
            _ => is_digit,
        };
    }
    upper
}

/// Puts `[hidden]` in place of secrets, in every spelling, and of App Certificates.
pub(super) fn hide(text: &str, secrets: &[Secret]) -> String {
    without_certificates(&without_secrets(text, secrets))
}

/// Puts `[hidden]` in place of secrets alone: a request's id looks like a certificate.
pub(super) fn without_secrets(text: &str, secrets: &[Secret]) -> String {
    let (text, is_cut) = match text.strip_suffix(CUT) {
        Some(before_cut) => (before_cut, true),
        None => (text, false),
    };
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let lengths = secrets.iter().filter_map(|secret| secret.length_in(rest, is_cut));
        if let Some(length) = lengths.max() {
            shown.push_str(HIDDEN);
            rest = &rest[length..];
        } else {
            shown.push(character);
            rest = &rest[character.len_utf8()..];
        }
    }
    shown.push_str(if is_cut { CUT } else { "" });
    shown
}

/// Without words of 32 hexadecimal digits, or of the first of them where a text was cut.
fn without_certificates(text: &str) -> String {
    let is_digit = |c: char| c.is_ascii_alphanumeric();
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_digit) {
        let (before, word) = rest.split_at(start);
        let end = word.find(|c: char| !is_digit(c)).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        let is_hexadecimal = word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_cut = after == CUT && word.len() >= CERTIFICATE_DIGITS / 4;
        let is_certificate = is_hexadecimal && (word.len() == CERTIFICATE_DIGITS || is_cut);
        shown.push_str(before);
        shown.push_str(if is_certificate { HIDDEN } else { word });
        rest = after;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hide_one(text: &str, secret: &str) -> String {
        hide(text, &Secret::forms(secret))
    }

    #[test]
    fn c47_a_secret_is_hidden_in_every_spelling() {
        let secret = "a\"b-_  c<&>é'/";
        for text in [
            "bad a\"b-_  c<&>é'/ here",
            "bad a\"b-_ c<&>é'/ here",
            "bad a&quot;b-_  c&lt;&amp;&gt;é'/ here",
            "bad a&#34;b-_ c&lt;&amp;&gt;&#xE9;&#039;/ here",
            r#"bad a\"b-_  c<&>\u00e9'\/ here"#,
            r#"bad a\"b-_  c<&>é\'/ here"#,
            "bad a%22b-_%20%20c%3C%26%3E%C3%A9%27%2F here",
            "bad a%22b%2d%5f++c%3c%26%3e%c3%a9'/ here",
            "bad YSJiLV8gIGM8Jj7DqScv here",
        ] {
            assert_eq!(hide_one(text, secret), "bad [hidden] here", "{text}");
        }
        assert_eq!(hide_one("nothing", secret), "nothing");
        assert_eq!(hide_one("nothing", ""), "nothing");
    }

    #[test]
    fn c47_a_secret_that_was_cut_off_is_hidden_too() {
        assert_eq!(hide_one("key abcdef...", "abcdefghijk"), "key [hidden]...");
        assert_eq!(hide_one("key abcd%2...", "abcd+ghijk"), "key [hidden]...");
        assert_eq!(hide_one("key abc...", "abcdefghijk"), "key abc...", "it tells nothing");
        assert_eq!(hide_one("key abcdef", "abcdefghijk"), "key abcdef", "it was not cut");
    }

    #[test]
    fn c47_an_app_certificate_is_hidden_and_other_words_stay() {
        let certificate = "b1420000aaaa0000BBBB0000cccc3416";
        assert_eq!(hide(&format!("key '{certificate}'."), &[]), "key '[hidden]'.");
        assert_eq!(hide("key b1420000aa...", &[]), "key [hidden]...");
        for text in ["project Hk12QqzrB deadbeef", &format!("{certificate}0"), "decade", ""] {
            assert_eq!(hide(text, &[]), text);
        }
    }

    proptest! {
        #[test]
        fn c47_a_secret_is_hidden_however_its_characters_are_written(
            secret in "[!-~é]([ -~é]{2,20})[!-~é]",
            choices in prop::collection::vec(any::<prop::sample::Index>(), 22),
        ) {
            let characters = secret.chars().zip(&choices);
            let written: String = characters
                .map(|(character, choice)| choice.get(&spellings(character)).clone())
                .collect();
            let shown = hide_one(&format!("| {written} |"), &secret);
            prop_assert!(!shown.contains(&written), "{shown}");
        }
    }
}
