//! Forms with files in them: `multipart/form-data`.

/// One field of a form.
#[derive(Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The field's name.
    pub name: String,
    /// The file's name; empty for a field without a file.
    pub file: String,
    /// What it holds.
    pub bytes: &'a [u8],
}

/// The fields of a form; none when it is not one.
pub fn parts<'a>(content_type: &str, body: &'a [u8]) -> Vec<Part<'a>> {
    let Some(boundary) = boundary(content_type) else { return Vec::new() };
    let mark = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut rest = body;
    while let Some(begin) = find(rest, mark.as_bytes()) {
        let after = rest.get(begin + mark.len()..).unwrap_or_default();
        let end = find(after, mark.as_bytes()).unwrap_or(after.len());
        parts.extend(after.get(..end).and_then(part));
        rest = after.get(end..).unwrap_or_default();
    }
    parts
}

fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let found = parameters.split(';').find_map(|p| p.trim().strip_prefix("boundary="))?;
    Some(found.trim_matches('"')).filter(|boundary| !boundary.is_empty())
}

/// What lies between two boundaries: headers, an empty line, the content.
fn part(between: &[u8]) -> Option<Part<'_>> {
    let head_end = find(between, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(between.get(..head_end)?).into_owned();
    let bytes = between.get(head_end + 4..)?;
    let bytes = bytes.strip_suffix(b"\r\n").unwrap_or(bytes);
    let disposition = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let value = |name: &str| {
        let found = disposition.split(';').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
        found.map(|value| value.trim_matches('"').to_owned()).unwrap_or_default()
    };
    Some(Part { name: value("name"), file: value("filename"), bytes })
}

fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len().max(1)).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &[u8] = b"--XX\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a.png\"\r\n\
        Content-Type: image/png\r\n\r\n\x89PNG\r\n\x00\r\n--XX\r\nContent-Disposition: form-data; name=\"description\"\r\n\r\n\
        {}\r\n--XX--\r\n";

    #[test]
    fn a_form_is_read_field_by_field() {
        let found = parts("multipart/form-data; boundary=\"XX\"", FORM);
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].name.as_str(), found[0].file.as_str(), found[0].bytes),
            ("media", "a.png", &b"\x89PNG\r\n\x00"[..])
        );
        assert_eq!((found[1].name.as_str(), found[1].file.as_str(), found[1].bytes), ("description", "", &b"{}"[..]));
    }

    #[test]
    fn what_is_no_form_has_no_fields() {
        assert!(parts("application/json", FORM).is_empty());
        assert!(parts("multipart/form-data", FORM).is_empty());
        assert!(parts("multipart/form-data; boundary=YY", FORM).is_empty());
        assert!(parts("multipart/form-data; boundary=XX", b"--XX").is_empty());
    }
}
