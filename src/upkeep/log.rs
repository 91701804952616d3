//! The log: one line for each event, whatever somebody wrote into a name.

use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

/// The longest line that is written.
const LONGEST: usize = 8 * 1024;

/// Where events are written: each as one line, its control characters escaped, cut where it is too long.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lines;

/// One event on its way.
#[derive(Debug)]
pub struct Line(Vec<u8>);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(Vec::new())
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            // There is nobody to tell when the log itself can't be written.
            drop(io::stderr().lock().write_all(tamed(&self.0).as_bytes()));
        }
    }
}

/// The event as one line that ends with a line feed.
fn tamed(event: &[u8]) -> String {
    let text = String::from_utf8_lossy(event);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let mut line = String::with_capacity(text.len() + 1);
    for letter in text.chars() {
        if line.len() >= LONGEST {
            line.push('…');
            break;
        }
        if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::tamed;

    /// OUT-005.
    #[test]
    fn an_event_is_one_line_whatever_it_says() {
        assert_eq!(tamed(b"INFO hello\n"), "INFO hello\n");
        let forged = tamed("name=x\n{\"level\":\"info\"}\u{1b}[31m\r\0\u{2028}\n".as_bytes());
        assert_eq!(forged.matches('\n').count(), 1);
        assert!(!forged.contains(['\u{1b}', '\r', '\0', '\u{2028}']));
        assert!(forged.starts_with("name=x\\n{\"level\""));
        assert!(tamed(&[0xff, b'a']).contains('\u{fffd}'));
        assert!(tamed(&vec![b'x'; 1_000_000]).len() < 9_000);
    }
}
