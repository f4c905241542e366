//! A code as a picture: sharp modules of whole pixels, and white around them so that a phone finds it.

use image::{ExtendedColorType, GrayImage, ImageEncoder, Luma, codecs::png::PngEncoder};
use jpeg_encoder::{ColorType, Encoder};
use qrcode::{Color, EcLevel, QrCode};

use super::fault;
use crate::domain::actions::Fault;

/// White modules on every side, as the standard has it.
const QUIET_MODULES: usize = 4;
/// A module of one pixel is lost when the picture is scaled.
const LEAST_MODULE_PX: usize = 2;
/// The side of a code that is a picture of its own: printed 5 cm wide it is still sharp.
const OWN_SIDE_PX: u32 = 1_000;
const BLACK: Luma<u8> = Luma([0]);
const WHITE: Luma<u8> = Luma([255]);

/// How a code is written to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodePicture {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
}

/// A white square of this side with the code of a text in its middle.
pub(super) fn square(text: &str, side: u32) -> Result<GrayImage, Fault> {
    let too_long = || fault("side", format!("二维码的内容有 {} 字节，这个大小放不下", text.len()), "把 side 调大");
    let code = coarsest(text).ok_or_else(too_long)?;
    let modules = code.width();
    let room = usize::try_from(side).unwrap_or(0);
    let scale = room / (modules + 2 * QUIET_MODULES);
    if scale < LEAST_MODULE_PX {
        return Err(too_long());
    }
    let margin = (room - modules * scale) / 2;
    let mut square = GrayImage::from_pixel(side, side, WHITE);
    let modules_of = code.to_colors().into_iter().enumerate();
    for at in modules_of.filter_map(|(at, color)| (color == Color::Dark).then_some(at)) {
        let (left, top) = (margin + at % modules * scale, margin + at / modules * scale);
        for (x, y) in (0..scale * scale).map(|n| (left + n % scale, top + n / scale)) {
            if let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y))
                && let Some(pixel) = square.get_pixel_mut_checked(x, y)
            {
                *pixel = BLACK;
            }
        }
    }
    Ok(square)
}

/// The code with the fewest modules, since large ones are what a camera sees; and of those, the one that bears most damage.
fn coarsest(text: &str) -> Option<QrCode> {
    let least = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let stronger = [EcLevel::H, EcLevel::Q, EcLevel::M];
    let stronger = stronger.into_iter().find_map(|level| QrCode::with_version(text, least.version(), level).ok());
    Some(stronger.unwrap_or(least))
}

/// The code of a text as a picture of its own, for printing.
///
/// # Errors
/// When the text is too long for a code.
pub fn code_picture(text: &str, kind: CodePicture) -> Result<Vec<u8>, Fault> {
    let square = square(text, OWN_SIDE_PX)?;
    let (width, height) = square.dimensions();
    let mut file = Vec::new();
    let written = match kind {
        CodePicture::Png => {
            PngEncoder::new(&mut file).write_image(&square, width, height, ExtendedColorType::L8).is_ok()
        }
        CodePicture::Jpeg => match (u16::try_from(width), u16::try_from(height)) {
            (Ok(width), Ok(height)) => {
                Encoder::new(&mut file, 95).encode(&square, width, height, ColorType::Luma).is_ok()
            }
            _ => false,
        },
    };
    if written { Ok(file) } else { Err(fault("side", "图片写不出来", "这是程序的问题")) }
}
