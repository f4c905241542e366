//! Posters: the operator's picture with a code at the place the file says. The picture is decoded once, when the playbook is
//! read; making a poster then only encodes the strip of it that the code lies on (`canvas`).

mod canvas;
mod code;
mod picture;

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use canvas::Canvas;
pub use code::{CodePicture, code_picture};

use super::actions::Fault;

/// A larger file is refused.
pub const MOST_PICTURE_BYTES: usize = 2 * 1024 * 1024;
/// A longer side is refused.
pub const MOST_SIDE_PX: u32 = 4096;
/// A smaller code is not scanned from a screen.
pub const LEAST_CODE_PX: u32 = 150;
/// A poster fills the width of a phone: of a code that is narrower than this part of it few are scanned.
const WIDTHS_OF_CODE: u32 = 5;

/// `[poster]`: a picture, and where the code goes on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PosterSettings {
    /// The picture's file, png or jpeg, as seen from the folder of the playbook: `posters/spring.png`.
    #[schemars(description = "底图文件（png 或 jpeg，不超过 2 MB），从方案文件夹算起，例如 posters/spring.png")]
    pub picture: String,
    /// Pixels from the left edge of the picture to the code.
    #[schemars(description = "二维码左边离底图左边多少像素")]
    pub left: u32,
    /// Pixels from the upper edge of the picture to the code.
    #[schemars(description = "二维码上边离底图上边多少像素")]
    pub top: u32,
    /// Pixels of the code's side, the white around it included.
    #[schemars(description = "二维码的边长（像素），包括四周的白边，至少 150")]
    pub side: u32,
}

/// A poster, ready to take codes. Cheap to clone.
#[derive(Clone)]
pub struct Poster {
    settings: PosterSettings,
    canvas: Arc<Canvas>,
    fingerprint: String,
}

impl Poster {
    /// From what an operator wrote and the bytes of the file they named.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn new(settings: PosterSettings, bytes: &[u8]) -> Result<Self, Vec<Fault>> {
        let picture = picture::read(bytes).map_err(|fault| vec![fault])?;
        let faults = misplaced(&settings, picture.dimensions());
        if !faults.is_empty() {
            return Err(faults);
        }
        let fingerprint = fingerprint(&settings, bytes);
        let canvas = Canvas::new(&picture, (settings.top, settings.side)).map_err(|fault| vec![fault])?;
        Ok(Self { settings, canvas: Arc::new(canvas), fingerprint })
    }

    /// What can be used and is probably not meant.
    pub fn doubts(&self) -> Vec<Fault> {
        let least = self.width() / WIDTHS_OF_CODE;
        if self.settings.side >= least {
            return Vec::new();
        }
        let cause = format!("二维码只占底图宽度的 {} 分之一，手机上不好扫", self.width() / self.settings.side.max(1));
        vec![fault("side", cause, format!("把 side 调到 {least} 以上"))]
    }

    /// What was written.
    pub fn settings(&self) -> &PosterSettings {
        &self.settings
    }

    /// Pixels across.
    pub fn width(&self) -> u32 {
        self.canvas.width()
    }

    /// Pixels down.
    pub fn height(&self) -> u32 {
        self.canvas.height()
    }

    /// Tells posters apart: the same settings and the same picture have the same one.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The poster with this text in its code, as a JPEG of at most [`MOST_PICTURE_BYTES`].
    ///
    /// # Errors
    /// When the text is so long that its code does not fit into the place.
    pub fn compose(&self, text: &str) -> Result<Vec<u8>, Fault> {
        let PosterSettings { left, top, side, .. } = self.settings;
        let code = code::square(text, side)?;
        self.canvas.with_code(&code, (left, top))
    }
}

impl PartialEq for Poster {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for Poster {}

impl fmt::Debug for Poster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Poster").field(&self.settings).field(&self.fingerprint).finish()
    }
}

fn fingerprint(PosterSettings { left, top, side, .. }: &PosterSettings, bytes: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("1/{left}/{top}/{side}/"));
    hash.update(bytes);
    hash.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

fn misplaced(settings: &PosterSettings, (width, height): (u32, u32)) -> Vec<Fault> {
    let PosterSettings { left, top, side, .. } = *settings;
    let mut faults = Vec::new();
    if side < LEAST_CODE_PX {
        let cause = format!("二维码边长 {side} 像素，手机扫不出来");
        faults.push(fault("side", cause, format!("至少 {LEAST_CODE_PX} 像素；底图宽 1080 时建议 300 左右")));
    }
    for (field, from, room, edge) in [("left", left, width, "右"), ("top", top, height, "下")] {
        let end = u64::from(from) + u64::from(side);
        if end > u64::from(room) {
            let cause = format!("二维码超出底图的{edge}边：{from} + {side} = {end}，底图只有 {room} 像素");
            let mend = match room.checked_sub(side) {
                Some(most) => format!("把 {field} 改到 {most} 以内，或把 side 改小"),
                None => format!("把 side 改到 {room} 以内，或换一张大些的底图"),
            };
            faults.push(fault(field, cause, mend));
        }
    }
    faults
}

fn fault(field: &str, cause: impl Into<String>, mend: impl Into<String>) -> Fault {
    Fault { field: field.to_owned(), cause: cause.into(), mend: mend.into() }
}

#[cfg(test)]
pub(crate) mod tests;
