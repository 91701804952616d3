//! Forms that carry a file: `multipart/form-data` (RFC 7578). They are small and read whole, as every form here is,
//! so that a reader of streams would only add to what can go wrong.

/// The largest number of fields: more are no form of ours.
const MOST: usize = 200;

/// One field of such a form.
#[derive(Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The field's name.
    pub name: String,
    /// Whether it is a file. What the file is called is nobody's business.
    pub is_file: bool,
    /// What it holds.
    pub content: &'a [u8],
}

/// The fields of a form with this `Content-Type`; none where it is no such form, or broken.
pub fn parts<'a>(content_type: &str, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
    let delimiter = format!("\r\n--{}", boundary(content_type)?);
    // Nothing stands before the first delimiter, in a browser's form not even the end of a line.
    let mut rest = body.strip_prefix(delimiter.trim_start().as_bytes())?;
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        rest = rest.strip_prefix(b"\r\n")?;
        let end = find(rest, delimiter.as_bytes())?;
        let (whole, after) = rest.split_at_checked(end)?;
        parts.push(part(whole)?);
        rest = after.get(delimiter.len()..)?;
        if parts.len() > MOST {
            return None;
        }
    }
    Some(parts)
}

fn boundary(content_type: &str) -> Option<String> {
    let (kind, _) = content_type.split_once(';')?;
    let boundary = parameter(content_type, "boundary")?;
    let fits = kind.trim().eq_ignore_ascii_case("multipart/form-data") && (1..=70).contains(&boundary.len());
    fits.then_some(boundary)
}

fn part(whole: &[u8]) -> Option<Part<'_>> {
    let end = find(whole, b"\r\n\r\n")?;
    let (head, content) = whole.split_at_checked(end)?;
    let head = String::from_utf8_lossy(head);
    let disposition = head.lines().find(|line| {
        let name = line.split(':').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case("content-disposition")
    })?;
    Some(Part {
        name: parameter(disposition, "name")?,
        is_file: parameter(disposition, "filename").is_some()
            || parameter(disposition, "filename*").is_some(),
        content: content.get(4..)?,
    })
}

/// The parameter of this name in `kind; name="value"; other=value`. A semicolon between quotes separates nothing.
fn parameter(header: &str, name: &str) -> Option<String> {
    let mut quoted = false;
    let pieces = header.split(|letter| {
        quoted ^= letter == '"';
        letter == ';' && !quoted
    });
    let mut named = pieces.skip(1).filter_map(|piece| piece.split_once('='));
    let (_, value) = named.find(|(known, _)| known.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim().trim_matches('"').to_owned())
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|place| place == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=\"b;1\"";

    fn body(parts: &[(&str, &str)]) -> String {
        let parts = parts.iter().map(|(head, content)| {
            format!("--b;1\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
        });
        parts.collect::<String>() + "--b;1--\r\n"
    }

    /// UPL-009.
    #[test]
    fn fields_and_files_are_told_apart() {
        let text = body(&[
            ("name=\"role\"", "admin"),
            (
                "name=\"file\"; filename=\"a; name=x.csv\"\r\nContent-Type: text/csv",
                "email\r\nada@acme.example\r\n",
            ),
            ("name=\"none\"; filename=\"\"", ""),
        ]);
        let found = parts(KIND, text.as_bytes()).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|part| (part.name.as_str(), part.is_file, part.content))
            .collect();
        let expected: [(&str, bool, &[u8]); 3] = [
            ("role", false, b"admin"),
            ("file", true, b"email\r\nada@acme.example\r\n"),
            ("none", true, b""),
        ];
        assert_eq!(found, expected);
    }

    /// UPL-009.
    #[test]
    fn what_is_broken_is_no_form() {
        let good = body(&[("name=\"a\"", "b")]);
        for (kind, text) in [
            ("multipart/form-data", good.as_str()),
            ("multipart/form-data; boundary=", &good),
            ("multipart/mixed; boundary=\"b;1\"", &good),
            (KIND, "form_token=x"),
            (KIND, ""),
            (KIND, "--b;1"),
            (KIND, "--b;1\r\n"),
            (
                KIND,
                "--b;1\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b;1--",
            ),
            (
                KIND,
                "--b;1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nnever ends",
            ),
            (KIND, &good.replace("Content-Disposition", "Content-Type")),
        ] {
            assert_eq!(parts(kind, text.as_bytes()), None, "{kind}: {text}");
        }
        let many = body(&vec![("name=\"a\"", "b"); MOST + 1]);
        assert_eq!(parts(KIND, many.as_bytes()), None);
    }
}
