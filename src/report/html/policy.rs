//! What pages may do: use their own style and script, and ask for nothing.
//!
//! Owns the policies (Content Security Policy), of a page in itself and of one
//! that is served. A style or script is allowed by its hash, so that text that
//! got into a page is neither.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::SCRIPT;

/// Hash of the script of pages that an earlier version wrote: a closed month's page is
/// never written again.
const EARLIER_SCRIPT: &str = "'sha256-t7XOHoxJpRfIVFsu2G72E6J+rDNM34ETn52oekPNoX4='";

/// What a policy does not take from `default-src`, for a page that is served.
const SERVED: &str = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn hash(text: &[u8]) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

/// What the page says of itself: its own style and script, and no request at all.
pub(super) fn of_page(style: &str, script: &str) -> String {
    format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(style.as_bytes()),
        hash(script.as_bytes())
    )
}

/// Policy for a server of a report's page, of which `head` is the beginning: no request,
/// the style in its head, which each version has another, and no script but that of reports.
#[must_use]
pub fn served_policy(head: &[u8]) -> String {
    let style = style_of(head).map_or_else(|| "'none'".to_owned(), hash);
    let script = hash(SCRIPT.as_bytes());
    format!("default-src 'none'; style-src {style}; script-src {script} {EARLIER_SCRIPT}; {SERVED}")
}

/// Policy for a server of a page with this style and without a script.
#[must_use]
pub fn unscripted_policy(style: &str) -> String {
    format!("default-src 'none'; style-src {}; {SERVED}", hash(style.as_bytes()))
}

/// The first style of a page; all text before it is escaped.
fn style_of(page: &[u8]) -> Option<&[u8]> {
    const OPEN: &[u8] = b"<style>";
    const CLOSE: &[u8] = b"</style>";
    let position =
        |text: &[u8], part: &[u8]| text.windows(part.len()).position(|window| window == part);
    let style = &page[position(page, OPEN)? + OPEN.len()..];
    Some(&style[..position(style, CLOSE)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_served_page_may_use_the_style_of_its_head_alone() {
        let style = "body{color:red}\u{2191}";
        let page =
            format!("<title>&lt;style&gt;</title><style>{style}</style><p><style>p{{}}</style>");
        let policy = served_policy(page.as_bytes());
        assert!(policy.contains(&format!("style-src {};", hash(style.as_bytes()))), "{policy}");
        assert!(!policy.contains(&hash(b"p{}")) && !policy.contains("unsafe"), "{policy}");
        for page in ["", "<p>", "<style>body{}"] {
            assert!(served_policy(page.as_bytes()).contains("style-src 'none';"), "{page}");
        }
    }

    #[test]
    fn scripts_of_this_version_and_of_the_one_before_run() {
        let policy = served_policy(b"<style></style><script>alert(1)</script>");
        let scripts = policy.split("; ").find(|part| part.starts_with("script-src"));
        let expected = format!("script-src {} {EARLIER_SCRIPT}", hash(SCRIPT.as_bytes()));
        assert_eq!(scripts, Some(expected.as_str()));
    }
}
