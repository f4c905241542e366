//! The phone's camera: reads the code in a picture that a chat shows, as the app does when somebody presses on it for long.

use std::io::Cursor;

use actix_web::web::Bytes;
use image::{ImageFormat, ImageReader, Limits};

use super::SandboxError;
use super::acts::Seen;
use super::service::Sandbox;
use crate::domain::ids::Openid;

/// A wider or higher picture is not looked at.
const MOST_SIDE_PX: u32 = 8_192;

impl Sandbox {
    /// The customer scans the code in a picture that some chat shows.
    ///
    /// # Errors
    /// When no code of the account is on it, or an expired one; as [`Sandbox::scan`].
    pub async fn scan_picture(&self, openid: &Openid, media_id: &str) -> Result<Seen, SandboxError> {
        let ticket = self.code_in(media_id)?;
        self.scan(openid, &ticket).await
    }

    /// What was uploaded under this id: its name and its bytes.
    pub fn picture(&self, media_id: &str) -> Option<(String, Bytes)> {
        let name = self.keeper().read().media.known(media_id)?.upload.name.clone();
        Some((name, self.shelf().get(media_id)?))
    }

    /// The ticket of the code in a picture.
    pub(super) fn code_in(&self, media_id: &str) -> Result<String, SandboxError> {
        let text = self.picture(media_id).and_then(|(_, bytes)| text_in(&bytes)).ok_or(SandboxError::NoCodeSeen)?;
        let state = self.keeper().read();
        let code = state.codes.values().find(|code| code.url == text);
        code.map(|code| code.ticket.clone()).ok_or(SandboxError::NoSuchCode)
    }
}

/// The text of the first code in a picture.
fn text_in(bytes: &[u8]) -> Option<String> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return None;
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_SIDE_PX);
    limits.max_image_height = Some(MOST_SIDE_PX);
    reader.limits(limits);
    let seen = reader.decode().ok()?.into_luma8();
    let (width, height) = (usize::try_from(seen.width()).ok()?, usize::try_from(seen.height()).ok()?);
    let grey = |x: usize, y: usize| seen.as_raw().get(y * width + x).copied().unwrap_or(u8::MAX);
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(width, height, grey);
    picture.detect_grids().iter().find_map(|grid| grid.decode().ok()).map(|(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::poster::{CodePicture, code_picture};

    #[test]
    fn a_code_is_read_from_a_png_and_a_jpeg_and_from_nothing_else() {
        for kind in [CodePicture::Png, CodePicture::Jpeg] {
            let picture = code_picture("http://weixin.qq.com/q/02a", kind).unwrap();
            assert_eq!(text_in(&picture).as_deref(), Some("http://weixin.qq.com/q/02a"));
            assert_eq!(text_in(&picture[..picture.len() / 8]), None);
        }
        assert_eq!(text_in(b"<svg/>"), None);
        assert_eq!(text_in(b""), None);
    }
}
