//! An operator's picture, from its bytes to pixels.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage, error::LimitErrorKind,
};

use super::{MOST_PICTURE_BYTES, MOST_SIDE_PX, fault};
use crate::domain::actions::Fault;

/// What decoding may take: four bytes of sixteen bits for each pixel of the largest picture, and something beside.
const MOST_DECODED_BYTES: u64 = (MOST_SIDE_PX as u64 * MOST_SIDE_PX as u64) * 8 + (16 << 20);
const SAVE_ANEW: &str = "用看图软件打开它，另存为 png 或 jpeg";

/// The picture as people see it: upright, and on white where it is transparent.
pub(super) fn read(bytes: &[u8]) -> Result<RgbImage, Fault> {
    if bytes.len() > MOST_PICTURE_BYTES {
        let cause = format!("底图有 {} KB，最多 {} KB", bytes.len() / 1024, MOST_PICTURE_BYTES / 1024);
        return Err(fault("picture", cause, "另存为质量低一些的 jpeg"));
    }
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|_| no_picture())?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return Err(no_picture());
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_SIDE_PX);
    limits.max_image_height = Some(MOST_SIDE_PX);
    limits.max_alloc = Some(MOST_DECODED_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| told(&error))?;
    // A decoder may hold the limits against what it reads and not against what the header says.
    let (width, height) = decoder.dimensions();
    if width > MOST_SIDE_PX || height > MOST_SIDE_PX {
        return Err(too_large());
    }
    let orientation = decoder.orientation().map_err(|error| told(&error))?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| told(&error))?;
    picture.apply_orientation(orientation);
    Ok(if picture.color().has_alpha() { on_white(&picture) } else { picture.into_rgb8() })
}

fn on_white(picture: &DynamicImage) -> RgbImage {
    let picture = picture.to_rgba8();
    let (width, height) = picture.dimensions();
    let mut flat = RgbImage::new(width, height);
    for (to, from) in flat.pixels_mut().zip(picture.pixels()) {
        let [red, green, blue, alpha] = from.0.map(u32::from);
        let mix = |part: u32| u8::try_from((part * alpha + 255 * (255 - alpha) + 127) / 255).unwrap_or(u8::MAX);
        *to = Rgb([mix(red), mix(green), mix(blue)]);
    }
    flat
}

fn no_picture() -> Fault {
    fault("picture", "这个文件不是 png 或 jpeg 图片", SAVE_ANEW)
}

fn too_large() -> Fault {
    fault("picture", format!("底图的边长超过 {MOST_SIDE_PX} 像素"), "把它缩小；宽 1080 像素就够清楚")
}

fn told(error: &ImageError) -> Fault {
    match error {
        ImageError::Limits(limit) if matches!(limit.kind(), LimitErrorKind::DimensionError) => too_large(),
        ImageError::Limits(_) => fault("picture", "底图解开后太大", "把它缩小；宽 1080 像素就够清楚"),
        ImageError::Unsupported(_) => fault("picture", "底图用了少见的格式，解不开", SAVE_ANEW),
        _ => fault("picture", "底图已损坏或不完整，解不开", SAVE_ANEW),
    }
}
