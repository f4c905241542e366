use std::hint::black_box;
use std::io::Cursor;
use std::time::Instant;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, GrayImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage, imageops};
use proptest::prelude::*;

use super::*;

/// What is inside a code of the platform.
const TEXT: &str = "http://weixin.qq.com/q/02AbCdEfGhIjKlMnOpQrStUvWxYz";

/// A picture with soft colours and a little noise, as photographs have.
pub(crate) fn picture(width: u32, height: u32) -> RgbImage {
    let mut noise = 1_u32;
    RgbImage::from_fn(width, height, |x, y| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let grain = u8::try_from(noise >> 28).unwrap();
        Rgb([(x * 200 / width) as u8 + grain, (y * 200 / height) as u8 + grain, ((x + y) % 200) as u8 + grain])
    })
}

fn file(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.into().write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn png(width: u32, height: u32) -> Vec<u8> {
    file(picture(width, height), ImageFormat::Png)
}

/// The bytes of a small picture, for tests elsewhere.
pub(crate) fn small_png() -> Vec<u8> {
    png(240, 320)
}

pub(crate) fn settings(left: u32, top: u32, side: u32) -> PosterSettings {
    PosterSettings { picture: "posters/spring.png".into(), left, top, side }
}

fn scanned(picture: &GrayImage) -> Vec<String> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut found =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| picture.get_pixel(x as u32, y as u32).0[0]);
    found.detect_grids().iter().filter_map(|grid| grid.decode().ok()).map(|(_, text)| text).collect()
}

fn causes(made: Result<Poster, Vec<Fault>>) -> Vec<(String, String)> {
    made.unwrap_err().into_iter().map(|Fault { field, cause, .. }| (field, cause)).collect()
}

#[test]
fn a_poster_is_scanned_at_the_size_a_phone_shows_it() {
    let jpeg = file(picture(1080, 1920), ImageFormat::Jpeg);
    let poster = Poster::new(settings(700, 1500, 320), &jpeg).unwrap();
    let made = image::load_from_memory_with_format(&poster.compose(TEXT).unwrap(), ImageFormat::Jpeg).unwrap();
    assert_eq!((made.width(), made.height()), (1080, 1920));
    for percent in [100, 60, 40] {
        let (width, height) = (1080 * percent / 100, 1920 * percent / 100);
        let shown = imageops::resize(&made.to_luma8(), width, height, imageops::FilterType::Triangle);
        assert_eq!(scanned(&shown), [TEXT], "at {percent} %");
    }
    let mean = |of: &RgbImage| {
        let patch = imageops::crop_imm(of, 300, 300, 32, 32).to_image();
        [0, 1, 2].map(|part| patch.pixels().map(|pixel| u32::from(pixel.0[part])).sum::<u32>() / (32 * 32))
    };
    let (now, before) = (mean(&made.to_rgb8()), mean(&picture(1080, 1920)));
    assert!(now.iter().zip(before).all(|(now, before)| now.abs_diff(before) <= 3), "{now:?} {before:?}");
}

#[test]
fn the_smallest_code_is_still_scanned_in_full_size() {
    let poster = Poster::new(settings(0, 0, LEAST_CODE_PX), &png(LEAST_CODE_PX, LEAST_CODE_PX)).unwrap();
    let made = image::load_from_memory(&poster.compose(TEXT).unwrap()).unwrap();
    let room = RgbImage::from_pixel(300, 300, Rgb([200, 120, 40]));
    let mut room = DynamicImage::from(room);
    imageops::overlay(&mut room, &made, 75, 75);
    assert_eq!(scanned(&room.to_luma8()), [TEXT]);
}

#[test]
fn modules_are_whole_pixels_with_white_around_them() {
    let square = code::square(TEXT, 300).unwrap();
    let dark: Vec<(u32, u32)> =
        square.enumerate_pixels().filter(|(.., pixel)| pixel.0 == [0]).map(|(x, y, _)| (x, y)).collect();
    assert!(square.pixels().all(|pixel| [0, 255].contains(&pixel.0[0])), "nothing in between");
    let (least, most) = (dark.iter().map(|at| at.0).min().unwrap(), dark.iter().map(|at| at.0).max().unwrap());
    // 29 modules of 8 pixels, and four white ones on each side at least.
    assert_eq!((most + 1 - least, least >= 32, 299 - most >= 32), (29 * 8, true, true));
}

#[test]
fn a_code_for_printing_is_a_png_or_a_jpeg() {
    for (kind, format) in [(CodePicture::Png, ImageFormat::Png), (CodePicture::Jpeg, ImageFormat::Jpeg)] {
        let file = code_picture(TEXT, kind).unwrap();
        let read = image::load_from_memory_with_format(&file, format).unwrap();
        assert_eq!((read.width(), scanned(&read.to_luma8())), (1000, vec![TEXT.to_owned()]));
    }
    assert!(code_picture(&"x".repeat(4_000), CodePicture::Png).is_err());
}

#[test]
fn a_code_that_does_not_fit_is_told_with_what_would() {
    let png = png(400, 640);
    let of = |left, top, side| Poster::new(settings(left, top, side), &png);
    assert!(of(200, 440, 200).is_ok(), "up to the last pixel");
    let faults = of(201, 441, 200).unwrap_err();
    assert_eq!(faults.iter().map(|it| it.field.as_str()).collect::<Vec<_>>(), ["left", "top"]);
    assert_eq!(faults[0].mend, "把 left 改到 200 以内，或把 side 改小");
    assert_eq!(causes(of(0, 0, 149))[0].0, "side");
    assert_eq!(of(0, 0, 500).unwrap_err()[0].mend, "把 side 改到 400 以内，或换一张大些的底图");
    assert_eq!(causes(of(u32::MAX, u32::MAX, u32::MAX)).len(), 2, "no sum runs over");
    assert!(of(0, 0, 0).is_err());
    let doubts = |side| Poster::new(settings(0, 0, side), &self::png(1080, 400)).unwrap().doubts();
    assert_eq!((doubts(216).len(), doubts(215)[0].mend.as_str()), (0, "把 side 调到 216 以上"));
    let poster = of(0, 0, 150).unwrap();
    assert_eq!(poster.compose(&"长".repeat(300)).unwrap_err().field, "side");
}

#[test]
fn what_is_no_picture_or_too_large_is_refused_without_decoding_it() {
    let of = |bytes: &[u8]| causes(Poster::new(settings(0, 0, 150), bytes)).remove(0).1;
    let whole = png(400, 640);
    assert_eq!(of(b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), "这个文件不是 png 或 jpeg 图片");
    assert_eq!(of(b""), "这个文件不是 png 或 jpeg 图片");
    assert_eq!(of(&whole[..whole.len() / 2]), "底图已损坏或不完整，解不开");
    assert_eq!(of(&vec![0; MOST_PICTURE_BYTES + 1]), "底图有 2048 KB，最多 2048 KB");
    // A few kilobytes that would be 100,000 pixels wide.
    let mut bomb = file(GrayImage::new(160, 160), ImageFormat::Png);
    bomb[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
    bomb[20..24].copy_from_slice(&100_000_u32.to_be_bytes());
    assert!(!of(&bomb).is_empty());
    let wide = file(GrayImage::new(MOST_SIDE_PX + 1, 160), ImageFormat::Png);
    assert_eq!(of(&wide), "底图的边长超过 4096 像素");
}

#[test]
fn whatever_an_operator_saves_becomes_upright_and_opaque() {
    let clear = RgbaImage::from_pixel(200, 200, Rgba([10, 20, 30, 0]));
    let flat = picture::read(&file(clear, ImageFormat::Png)).unwrap();
    assert_eq!(flat.get_pixel(5, 5).0, [255, 255, 255]);
    let half = RgbaImage::from_pixel(200, 200, Rgba([0, 100, 255, 51]));
    assert_eq!(picture::read(&file(half, ImageFormat::Png)).unwrap().get_pixel(5, 5).0, [204, 224, 255]);
    let grey = file(GrayImage::from_pixel(200, 180, image::Luma([77])), ImageFormat::Png);
    assert_eq!(picture::read(&grey).unwrap().get_pixel(0, 0).0, [77; 3]);
    let deep = DynamicImage::from(picture(200, 180)).to_rgb16();
    assert_eq!(picture::read(&file(deep, ImageFormat::Png)).unwrap().dimensions(), (200, 180));
    // A phone lays its photographs on their side and says so.
    let mut lying = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut lying, 90);
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    encoder.add_exif_metadata(exif).unwrap();
    encoder.encode(&picture(200, 180), 200, 180, jpeg_encoder::ColorType::Rgb).unwrap();
    assert_eq!(picture::read(&lying).unwrap().dimensions(), (180, 200));
}

#[test]
fn another_picture_or_another_place_is_another_poster() {
    let of = |settings, bytes: &[u8]| Poster::new(settings, bytes).unwrap();
    let (one, two) = (png(240, 320), png(240, 321));
    let poster = of(settings(0, 0, 150), &one);
    assert_eq!(poster, of(settings(0, 0, 150), &one));
    assert_eq!(poster.fingerprint().len(), 24);
    for other in [of(settings(1, 0, 150), &one), of(settings(0, 0, 151), &one), of(settings(0, 0, 150), &two)] {
        assert_ne!(poster, other);
    }
    let renamed = PosterSettings { picture: "posters/new-name.png".into(), ..settings(0, 0, 150) };
    assert_eq!(poster.fingerprint(), of(renamed, &one).fingerprint(), "what nobody sees makes nothing anew");
}

proptest! {
    #[test]
    fn a_spoiled_picture_is_read_or_refused_and_does_nothing_worse(
        spoiled in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        kept in any::<prop::sample::Index>(),
        is_png in any::<bool>(),
    ) {
        let format = if is_png { ImageFormat::Png } else { ImageFormat::Jpeg };
        let mut bytes = file(picture(160, 150), format);
        for (at, byte) in spoiled {
            let at = at.index(bytes.len().min(1_500));
            bytes[at] = byte;
        }
        bytes.truncate(bytes.len() - kept.index(bytes.len()) / 4);
        if let Ok(poster) = Poster::new(settings(0, 0, 150), &bytes) {
            prop_assert!(poster.compose(TEXT).unwrap().ends_with(&[0xFF, 0xD9]));
        }
    }
}

/// How long a poster takes, beside encoding the same JPEG as a whole.
#[test]
#[ignore = "a measure"]
fn measure_of_a_poster() {
    const TIMES: u32 = 15;
    let background = picture(1080, 1920);
    let bytes = file(background.clone(), ImageFormat::Jpeg);
    let read = || Poster::new(settings(700, 1500, 300), &bytes).unwrap();
    let poster = read();
    let fastest = |work: &dyn Fn()| {
        let once = || {
            let began = Instant::now();
            work();
            began.elapsed().as_secs_f64() * 1e3
        };
        (0..TIMES).map(|_| once()).fold(f64::MAX, f64::min)
    };
    let loaded = fastest(&|| drop(black_box(read())));
    let bytes = poster.compose(TEXT).unwrap().len();
    let made = fastest(&|| drop(black_box(poster.compose(TEXT).unwrap())));
    let whole = fastest(&|| {
        let mut file = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut file, 88);
        encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
        encoder.encode(&background, 1080, 1920, jpeg_encoder::ColorType::Rgb).unwrap();
        black_box(file);
    });
    let plain = fastest(&|| {
        let mut file = Vec::new();
        JpegEncoder::new_with_quality(&mut file, 88).encode_image(&background).unwrap();
        black_box(file);
    });
    println!(
        "a poster of 1080x1920 ({} KB): {made:.1} ms; encoding that JPEG alone: {whole:.1} ms ({:.2} of it); with the \
         image crate's own encoder: {plain:.1} ms; once for the playbook: {loaded:.1} ms",
        bytes / 1024,
        made / whole
    );
    assert!(made < whole, "less than the whole is encoded: {made:.1} ms, {whole:.1} ms");
}
