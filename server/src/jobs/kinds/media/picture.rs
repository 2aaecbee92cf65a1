//! Pictures: read with their turn and their colours, made narrower, and encoded. Nothing here waits or knows a job.

use std::{
    borrow::Cow,
    fs::File,
    io::{BufReader, Cursor},
};

use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, images};
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, RgbaImage, codecs::jpeg::JpegEncoder};
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};
use ravif::{AlphaColorMode, Img};

use super::Format;

/// How much of its best ravif gives for time; 1 is the slowest, 10 the fastest.
const AVIF_SPEED: u8 = 8;
/// The most bytes that a decoder may hold for a pixel: 16 bits of four channels, twice.
const BYTES_PER_PIXEL: u64 = 16;

/// Reads a picture: turned as its camera was held, and in the colours of the web (sRGB).
///
/// # Errors
/// Why it is none, in words.
pub(super) fn read(file: File, pixels_max: u64) -> Result<RgbaImage, String> {
    let reader = ImageReader::new(BufReader::new(file)).with_guessed_format();
    let mut reader = reader.map_err(|error| error.to_string())?;
    if reader.format().is_none() {
        return Err("it is no picture that can be read: JPEG, PNG, WebP, GIF or BMP".to_owned());
    }
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(pixels_max.saturating_mul(BYTES_PER_PIXEL));
    reader.limits(limits);
    let broken = |error: image::ImageError| format!("the picture cannot be read: {error}");
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > pixels_max {
        return Err(format!(
            "it has {width} × {height} pixels: at most {pixels_max} are read (--media-pixels-max)"
        ));
    }
    let turn = decoder.orientation().map_err(broken)?;
    // Colours that cannot be told are taken as the web's, as browsers do.
    let profile = decoder.icc_profile().ok().flatten();
    let mut picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    picture.apply_orientation(turn);
    let mut pixels = picture.into_rgba8();
    if let Some(profile) = profile.and_then(|profile| ColorProfile::new_from_slice(&profile).ok()) {
        pixels = in_web_colours(pixels, &profile);
    }
    Ok(pixels)
}

/// The same picture in sRGB. A profile that does not say how is left aside.
fn in_web_colours(pixels: RgbaImage, profile: &ColorProfile) -> RgbaImage {
    if profile.color_space != DataColorSpace::Rgb {
        return pixels;
    }
    let web = ColorProfile::new_srgb();
    let options = TransformOptions::default();
    let Ok(transform) = profile.create_transform_8bit(Layout::Rgba, &web, Layout::Rgba, options) else {
        return pixels;
    };
    let mut out = RgbaImage::new(pixels.width(), pixels.height());
    match transform.transform(&pixels, &mut out) {
        Ok(()) => out,
        Err(_) => pixels,
    }
}

/// The picture at a width that is at most its own; its shape stays.
///
/// # Errors
/// What the resizer says.
pub(super) fn narrowed(picture: &RgbaImage, width: u32) -> Result<Cow<'_, RgbaImage>, String> {
    let (from_width, from_height) = picture.dimensions();
    if width >= from_width {
        return Ok(Cow::Borrowed(picture));
    }
    let height = scaled(from_height, from_width, width);
    let from = images::ImageRef::new(from_width, from_height, picture.as_raw(), PixelType::U8x4);
    let from = from.map_err(|error| error.to_string())?;
    let mut to = images::Image::new(width, height, PixelType::U8x4);
    // It multiplies by alpha before and divides after: no dark fringe where the picture becomes transparent.
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new().resize(&from, &mut to, &options).map_err(|error| error.to_string())?;
    let narrowed = RgbaImage::from_raw(width, height, to.into_vec());
    narrowed.map(Cow::Owned).ok_or_else(|| "the resizer gave back another size".to_owned())
}

/// The height that goes with a width, one pixel at least.
fn scaled(height: u32, width: u32, to: u32) -> u32 {
    let scaled = (u64::from(height) * u64::from(to) + u64::from(width) / 2) / u64::from(width.max(1));
    u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
}

/// The picture as a file.
///
/// # Errors
/// What the encoder says: mostly that the picture is too large for the format.
pub(super) fn encoded(picture: &RgbaImage, format: Format, quality: u32) -> Result<Vec<u8>, String> {
    let (width, height) = picture.dimensions();
    match format {
        Format::Avif => {
            let (pixels, _) = picture.as_chunks::<4>();
            let pixels: Vec<ravif::RGBA8> =
                pixels.iter().map(|[r, g, b, a]| ravif::RGBA8::new(*r, *g, *b, *a)).collect();
            let encoder = ravif::Encoder::new()
                .with_quality(quality as f32)
                .with_alpha_quality(quality as f32)
                .with_speed(AVIF_SPEED)
                .with_num_threads(Some(1))
                .with_alpha_color_mode(AlphaColorMode::UnassociatedClean);
            let made = encoder.encode_rgba(Img::new(&pixels[..], width as usize, height as usize));
            made.map(|made| made.avif_file).map_err(|error| format!("AVIF: {error}"))
        }
        Format::Webp => {
            let made = webp::Encoder::from_rgba(picture, width, height).encode_simple(false, quality as f32);
            made.map(|made| made.to_vec()).map_err(|error| format!("WebP: {error:?}"))
        }
        Format::Jpeg => {
            let mut file = Cursor::new(Vec::new());
            let quality = u8::try_from(quality).unwrap_or(100);
            let opaque = on_white(picture);
            let made = JpegEncoder::new_with_quality(&mut file, quality).encode_image(&opaque);
            made.map(|()| file.into_inner()).map_err(|error| format!("JPEG: {error}"))
        }
        Format::Mp4 | Format::Webm => Err("a picture does not become a film".to_owned()),
    }
}

/// JPEG knows no transparency: what shines through is white.
fn on_white(picture: &RgbaImage) -> image::RgbImage {
    let over = |channel: u8, alpha: u8| {
        let (channel, alpha) = (u32::from(channel), u32::from(alpha));
        u8::try_from((channel * alpha + 255 * (255 - alpha) + 127) / 255).unwrap_or(255)
    };
    image::RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [r, g, b, a] = picture.get_pixel(x, y).0;
        image::Rgb([over(r, a), over(g, a), over(b, a)])
    })
}

#[cfg(test)]
mod tests {
    use image::{ImageEncoder, ImageFormat, Rgba, codecs::png::PngEncoder};

    use super::*;
    use crate::storage::testing::Dir;

    /// Left red, right blue, the lowest line half transparent.
    fn flag(width: u32, height: u32) -> RgbaImage {
        RgbaImage::from_fn(width, height, |x, y| {
            let alpha = if y + 1 == height { 128 } else { 255 };
            if x < width / 2 { Rgba([255, 0, 0, alpha]) } else { Rgba([0, 0, 255, alpha]) }
        })
    }

    fn read_bytes(bytes: &[u8], pixels_max: u64) -> Result<RgbaImage, String> {
        let dir = Dir::in_memory("pictures");
        let path = dir.path().join("picture");
        std::fs::create_dir_all(dir.path()).expect("a directory");
        std::fs::write(&path, bytes).expect("written");
        read(File::open(path).expect("a file"), pixels_max)
    }

    fn png(picture: &RgbaImage, with: impl FnOnce(&mut PngEncoder<&mut Vec<u8>>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = PngEncoder::new(&mut bytes);
        with(&mut encoder);
        let (width, height) = picture.dimensions();
        encoder.write_image(picture, width, height, image::ExtendedColorType::Rgba8).expect("written");
        bytes
    }

    fn is_like([r, g, b, _]: [u8; 4], other: [u8; 3]) -> bool {
        [r, g, b].iter().zip(other).all(|(one, other)| one.abs_diff(other) < 40)
    }

    #[test]
    fn each_format_is_read_back_as_what_it_was() {
        let picture = flag(64, 48);
        for (format, known) in [(Format::Webp, ImageFormat::WebP), (Format::Jpeg, ImageFormat::Jpeg)] {
            let file = encoded(&picture, format, 80).expect("encoded");
            let read = image::load_from_memory_with_format(&file, known).expect("a picture").to_rgba8();
            assert_eq!(read.dimensions(), (64, 48));
            assert!(is_like(read.get_pixel(8, 8).0, [255, 0, 0]), "{format:?}");
            assert!(is_like(read.get_pixel(56, 8).0, [0, 0, 255]), "{format:?}");
        }
        let avif = encoded(&picture, Format::Avif, 80).expect("encoded");
        assert_eq!(&avif[4..12], b"ftypavif");
        // The image's spatial extents (ISO/IEC 23008-12 §6.5.3).
        let at = avif.windows(4).position(|four| four == b"ispe").expect("a size") + 8;
        assert_eq!(avif[at..at + 8], [0, 0, 0, 64, 0, 0, 0, 48]);
        assert!(encoded(&picture, Format::Mp4, 80).is_err());
    }

    #[test]
    fn a_better_quality_takes_more_bytes() {
        let picture = RgbaImage::from_fn(64, 64, |x, y| {
            Rgba([(x * 37 % 251) as u8, (y * 91 % 253) as u8, (x * y) as u8, 255])
        });
        for format in [Format::Avif, Format::Webp, Format::Jpeg] {
            let [low, high] =
                [10, 90].map(|quality| encoded(&picture, format, quality).expect("encoded").len());
            assert!(low < high, "{format:?}: {low} against {high}");
        }
    }

    #[test]
    fn transparency_is_white_in_jpeg_and_stays_in_webp() {
        let picture = RgbaImage::from_pixel(32, 32, Rgba([0, 0, 0, 0]));
        let jpeg = image::load_from_memory(&encoded(&picture, Format::Jpeg, 90).expect("encoded"));
        assert!(is_like(jpeg.expect("a picture").to_rgba8().get_pixel(9, 9).0, [255, 255, 255]));
        let webp = image::load_from_memory(&encoded(&picture, Format::Webp, 90).expect("encoded"));
        assert_eq!(webp.expect("a picture").to_rgba8().get_pixel(9, 9).0[3], 0);
    }

    #[test]
    fn a_narrower_picture_keeps_its_shape_and_nothing_gets_wider() {
        let picture = flag(100, 50);
        assert_eq!(narrowed(&picture, 40).expect("a picture").dimensions(), (40, 20));
        assert_eq!(narrowed(&picture, 400).expect("a picture").dimensions(), (100, 50));
        let strip = RgbaImage::new(1_000, 1);
        assert_eq!(narrowed(&strip, 16).expect("a picture").dimensions(), (16, 1));
        // Colours that are transparent do not bleed into those that are not.
        let edge =
            RgbaImage::from_fn(
                64,
                64,
                |x, _| if x < 32 { Rgba([255, 255, 255, 255]) } else { Rgba([0, 0, 0, 0]) },
            );
        let small = narrowed(&edge, 16).expect("a picture");
        assert!(small.pixels().all(|pixel| pixel.0[3] < 8 || pixel.0[0] > 240), "a dark fringe");
    }

    #[test]
    fn a_picture_is_turned_as_its_camera_was_held() {
        let picture = flag(40, 20);
        // Exif with one tag: orientation 6, to be turned by a quarter to the right.
        let exif =
            [b"MM\0\x2a\0\0\0\x08".as_slice(), b"\0\x01", b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0", b"\0\0\0\0"];
        let bytes = png(&picture, |encoder| encoder.set_exif_metadata(exif.concat()).expect("Exif"));
        let read = read_bytes(&bytes, 1_000).expect("a picture");
        assert_eq!(read.dimensions(), (20, 40));
        assert!(is_like(read.get_pixel(10, 2).0, [255, 0, 0]), "its left is above");
    }

    #[test]
    fn other_colours_become_those_of_the_web() {
        let wide = ColorProfile::new_display_p3().encode().expect("a profile");
        let picture = RgbaImage::from_pixel(16, 16, Rgba([0, 200, 0, 255]));
        let bytes = png(&picture, |encoder| encoder.set_icc_profile(wide).expect("a profile"));
        let [red, green, ..] = read_bytes(&bytes, 1_000).expect("a picture").get_pixel(3, 3).0;
        assert!(red == 0 && green > 200, "P3's green is greener than the web's: {red}, {green}");
        let bytes = png(&picture, |encoder| encoder.set_icc_profile(b"none".to_vec()).expect("a profile"));
        assert_eq!(read_bytes(&bytes, 1_000).expect("a picture").get_pixel(3, 3).0, [0, 200, 0, 255]);
    }

    #[test]
    fn what_is_too_large_or_no_picture_is_refused() {
        let bytes = png(&flag(40, 20), |_| ());
        assert!(read_bytes(&bytes, 800).is_ok());
        assert!(read_bytes(&bytes, 799).expect_err("too large").contains("40 × 20"));
        assert!(read_bytes(b"a,b\n1,2\n", 800).expect_err("no picture").contains("no picture"));
        assert!(read_bytes(&bytes[..bytes.len() / 2], 800).expect_err("half").contains("cannot be read"));
    }
}
