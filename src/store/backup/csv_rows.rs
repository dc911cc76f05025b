//! Counts the rows of a CSV text that comes in parts.

/// A counter; a line break within quotes ends no row.
#[derive(Debug, Default)]
pub(super) struct RowCounter {
    lines: u64,
    is_quoted: bool,
}

impl RowCounter {
    /// Takes the next part.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                // A doubled quote turns it off and on again.
                b'"' => self.is_quoted = !self.is_quoted,
                b'\n' if !self.is_quoted => self.lines += 1,
                _ => {}
            }
        }
    }

    /// Rows without the header.
    pub(super) const fn rows(&self) -> u64 {
        self.lines.saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_within_quotes_end_no_row() {
        let mut counter = RowCounter::default();
        for part in ["a,b\n1,\"x", "\ny\"\"\n\"\n", "2,\"\"\n"] {
            counter.take(part.as_bytes());
        }
        assert_eq!(counter.rows(), 2);
        assert_eq!(RowCounter::default().rows(), 0);
    }
}
