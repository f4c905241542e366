//! The operator's picture, encoded once. A JPEG whose rows of blocks each begin anew (restart markers after every row) can
//! have some of its rows exchanged for others: of a poster only the rows that the code lies on are encoded again, and the
//! bytes are those that encoding the whole poster would give.

use image::{GrayImage, RgbImage, imageops};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::{MOST_PICTURE_BYTES, fault};
use crate::domain::actions::Fault;

/// Pixels of a block with halved colours.
const BLOCK_PX: u32 = 16;
/// Tried in turn until the poster is small enough.
const QUALITIES: [u8; 4] = [88, 80, 70, 55];
/// What the code may add to the picture's own size.
const ROOM_FOR_CODE_BYTES: usize = 128 * 1024;
const SOI: [u8; 2] = [0xFF, 0xD8];
const EOI: [u8; 2] = [0xFF, 0xD9];
const SOS: u8 = 0xDA;
const RST: std::ops::RangeInclusive<u8> = 0xD0..=0xD7;

/// A picture that takes codes at one height.
pub(super) struct Canvas {
    width: u32,
    height: u32,
    quality: u8,
    whole: Rows,
    /// The rows of blocks that the code lies on, in pixels.
    strip: RgbImage,
    /// Which row of blocks the strip begins with.
    first: usize,
}

/// An encoded picture by its rows of blocks.
struct Rows {
    header: Vec<u8>,
    rows: Vec<Vec<u8>>,
}

impl Canvas {
    /// Of a picture whose code will stand at `top`, so many pixels high.
    pub(super) fn new(picture: &RgbImage, (top, side): (u32, u32)) -> Result<Self, Fault> {
        let (width, height) = picture.dimensions();
        let first = top / BLOCK_PX;
        let from = first * BLOCK_PX;
        let until = (top + side).next_multiple_of(BLOCK_PX).min(height);
        let strip = imageops::crop_imm(picture, 0, from, width, until.saturating_sub(from)).to_image();
        for quality in QUALITIES {
            let whole = encode(picture, quality)?;
            if whole.len() + ROOM_FOR_CODE_BYTES <= MOST_PICTURE_BYTES {
                let first = usize::try_from(first).unwrap_or(0);
                return Ok(Self { width, height, quality, whole, strip, first });
            }
        }
        Err(fault("picture", "底图太细碎，做成海报会超过 2 MB", "把它缩小到宽 1080 像素，或换一张"))
    }

    pub(super) fn width(&self) -> u32 {
        self.width
    }

    pub(super) fn height(&self) -> u32 {
        self.height
    }

    /// The whole picture with a code on it.
    pub(super) fn with_code(&self, code: &GrayImage, (left, top): (u32, u32)) -> Result<Vec<u8>, Fault> {
        let mut strip = self.strip.clone();
        let from = top % BLOCK_PX;
        for (x, y, pixel) in code.enumerate_pixels() {
            if let Some(to) = strip.get_pixel_mut_checked(left + x, from + y) {
                to.0 = [pixel.0[0]; 3];
            }
        }
        let strip = encode(&strip, self.quality)?;
        let mut file = Vec::with_capacity(self.whole.len() + ROOM_FOR_CODE_BYTES);
        file.extend_from_slice(&self.whole.header);
        let last = self.whole.rows.len().saturating_sub(1);
        for (at, row) in self.whole.rows.iter().enumerate() {
            let changed = at.checked_sub(self.first).and_then(|at| strip.rows.get(at));
            file.extend_from_slice(changed.unwrap_or(row));
            if at < last {
                let number = u8::try_from(at % 8).unwrap_or(0);
                file.extend_from_slice(&[0xFF, RST.start() + number]);
            }
        }
        file.extend_from_slice(&EOI);
        Ok(file)
    }
}

impl Rows {
    fn len(&self) -> usize {
        self.header.len() + self.rows.iter().map(|row| row.len() + 2).sum::<usize>()
    }
}

/// The whole of a picture, encoded so that each row of blocks begins anew.
fn encode(picture: &RgbImage, quality: u8) -> Result<Rows, Fault> {
    let broken = || fault("picture", "底图做不成海报", "换一张底图");
    let (width, height) = picture.dimensions();
    let across = |px| u16::try_from(px).map_err(|_| broken());
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_restart_interval(across(width.div_ceil(BLOCK_PX))?);
    encoder.encode(picture, across(width)?, across(height)?, ColorType::Rgb).map_err(|_| broken())?;
    let rows = split(&file).ok_or_else(broken)?;
    let expected = usize::try_from(height.div_ceil(BLOCK_PX)).unwrap_or(0);
    if rows.rows.len() == expected { Ok(rows) } else { Err(broken()) }
}

/// An encoded picture by its rows: what stands before the first, and each without the mark that ends it.
fn split(file: &[u8]) -> Option<Rows> {
    let mut at = SOI.len();
    if !file.starts_with(&SOI) {
        return None;
    }
    let body = loop {
        let (&[mark, kind, high, low], _) = file.get(at..)?.split_first_chunk::<4>()?;
        if mark != 0xFF {
            return None;
        }
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
        if kind == SOS {
            break at;
        }
    };
    let header = file.get(..body)?.to_vec();
    let data = file.get(body..)?.strip_suffix(&EOI)?;
    let mut rows = Vec::new();
    let mut from = 0;
    // Within the data a byte FF is followed by 0; only marks are not.
    for end in data.windows(2).enumerate().filter_map(|(at, pair)| is_restart(pair).then_some(at)) {
        rows.push(data.get(from..end)?.to_vec());
        from = end + 2;
    }
    rows.push(data.get(from..)?.to_vec());
    Some(Rows { header, rows })
}

fn is_restart(pair: &[u8]) -> bool {
    matches!(pair, [0xFF, kind] if RST.contains(kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::poster::tests::picture;

    fn whole(rows: &Rows) -> Vec<u8> {
        let mut file = rows.header.clone();
        for (at, row) in rows.rows.iter().enumerate() {
            if at > 0 {
                file.extend([0xFF, 0xD0 + u8::try_from((at - 1) % 8).unwrap()]);
            }
            file.extend(row);
        }
        file.extend(EOI);
        file
    }

    #[test]
    fn a_poster_is_byte_for_byte_what_encoding_the_whole_of_it_would_give() {
        for (width, height, left, top, side) in
            [(400, 640, 100, 300, 200), (401, 639, 201, 439, 200), (200, 200, 0, 0, 200), (333, 170, 17, 1, 160)]
        {
            let picture = picture(width, height);
            let canvas = Canvas::new(&picture, (top, side)).unwrap();
            let code = crate::domain::poster::code::square("http://weixin.qq.com/q/02a", side).unwrap();
            let mut drawn = picture.clone();
            for (x, y, pixel) in code.enumerate_pixels() {
                drawn.put_pixel(left + x, top + y, image::Rgb([pixel.0[0]; 3]));
            }
            let expected = whole(&encode(&drawn, canvas.quality).unwrap());
            assert!(canvas.with_code(&code, (left, top)).unwrap() == expected, "{width}x{height}");
        }
    }

    #[test]
    fn what_is_no_jpeg_of_ours_is_not_taken_apart() {
        for bytes in [&b""[..], b"\xFF\xD8", b"\xFF\xD8\xFF\xDA\x00", b"\xFF\xD8\x00\x00\x00\x00", b"\x89PNG"] {
            assert!(split(bytes).is_none());
        }
    }
}
