//! `multipart/form-data` (RFC 7578), as far as uploads need it: one file, perhaps one field.

use super::limits::{self, Invalid};

/// What is uploaded.
pub(super) struct Form {
    boundary: String,
    pub(super) bytes: Vec<u8>,
}

/// A file on its way to the platform.
#[derive(Clone, Copy, Debug)]
pub struct Upload<'a> {
    /// Its name, with the ending that tells the platform its type.
    pub name: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
}

impl Form {
    /// A form with a file in the field `media`, which must have a name and a type (platform.md 4.14).
    pub(super) fn file(upload: Upload<'_>) -> Result<Self, Invalid> {
        let Upload { name, bytes } = upload;
        limits::bytes("filename", name, 1..=255)?;
        if name.chars().any(|c| c.is_control() || "\"\\".contains(c)) {
            return Err(Invalid::new("filename", "不能有引号、反斜杠或控制字符"));
        }
        let kind = content_type(name).ok_or_else(|| Invalid::new("filename", "看不出文件的类型，请加上扩展名"))?;
        let mut form = Self { boundary: format!("fuwu{:032x}", rand::random::<u128>()), bytes: Vec::new() };
        let head =
            format!("Content-Disposition: form-data; name=\"media\"; filename=\"{name}\"\r\nContent-Type: {kind}");
        form.part(&head, bytes);
        Ok(form)
    }

    /// With a field besides.
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.part(&format!("Content-Disposition: form-data; name=\"{name}\""), value.as_bytes());
        self
    }

    fn part(&mut self, head: &str, content: &[u8]) {
        self.bytes.extend(format!("--{}\r\n{head}\r\n\r\n", self.boundary).bytes());
        self.bytes.extend(content);
        self.bytes.extend(b"\r\n");
    }

    /// The header that goes with [`Form::whole`].
    pub(super) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// Everything, to its end.
    pub(super) fn whole(&self) -> Vec<u8> {
        [self.bytes.as_slice(), format!("--{}--\r\n", self.boundary).as_bytes()].concat()
    }
}

/// The type of a file of these the platform takes (platform.md 4.14).
fn content_type(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "bmp" => "image/bmp",
        "mp3" => "audio/mpeg",
        "amr" => "audio/amr",
        "wav" => "audio/wav",
        "wma" => "audio/x-ms-wma",
        "mp4" => "video/mp4",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_its_parts_between_boundaries() {
        let form = Form::file(Upload { name: "海报.PNG", bytes: b"\x89PNG\r\n" }).unwrap().with("description", "{}");
        let mark = form.content_type().rsplit_once('=').unwrap().1.to_owned();
        let head = format!(
            "--{mark}\r\nContent-Disposition: form-data; name=\"media\"; filename=\"海报.PNG\"\r\n\
             Content-Type: image/png\r\n\r\n"
        );
        let tail = format!(
            "\r\n--{mark}\r\nContent-Disposition: form-data; name=\"description\"\r\n\r\n{{}}\r\n--{mark}--\r\n"
        );
        let expected = [head.as_bytes(), b"\x89PNG\r\n", tail.as_bytes()];
        assert_eq!(form.whole(), expected.concat());
    }

    #[test]
    fn a_name_that_would_break_the_form_is_refused() {
        for name in ["", "a\".png", "a\r\n.png", "noending", "a.exe"] {
            assert!(Form::file(Upload { name, bytes: b"" }).is_err(), "{name:?}");
        }
    }
}
