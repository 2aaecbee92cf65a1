//! A report as a PDF: laid out here, written by krilla, with its fonts within.
//!
//! [`layout`] decides what stands where, as data; this file turns that into pages. The same report gives the same bytes.

mod face;
mod layout;

use fourwire_shared::figures::bytes;
use krilla::{
    Document,
    color::rgb,
    geom::{PathBuilder, Point, Rect},
    metadata::Metadata,
    num::NormalizedF32,
    page::PageSettings,
    paint::{Fill, Stroke},
    surface::Surface,
    text::TextDirection,
};

use self::{
    face::Faces,
    layout::{Draw, HEIGHT, Ink, WIDTH, lay_out},
};
use super::Report;

/// The most bytes of a report's file: what is larger is no report.
const BYTES_MAX: usize = 32 << 20;

/// A report as a file; also how many pages it has.
///
/// # Errors
/// What is in the way, in words.
pub(crate) fn write(report: &Report) -> Result<(Vec<u8>, usize), String> {
    let faces = Faces::new().ok_or("the fonts cannot be read")?;
    let pages = lay_out(report, &faces);
    let mut document = Document::new();
    let settings = PageSettings::from_wh(WIDTH, HEIGHT).ok_or("a page has a size")?;
    for page in &pages {
        let mut sheet = document.start_page_with(settings.clone());
        let mut surface = sheet.surface();
        for draw in page {
            put(&mut surface, draw, &faces);
        }
        surface.finish();
        sheet.finish();
    }
    let metadata = Metadata::new()
        .title(report.title.clone())
        .description(report.about.clone())
        .language("en".to_owned())
        .creator("Fourwire".to_owned());
    document.set_metadata(metadata);
    let file = document.finish().map_err(|error| format!("the file cannot be made: {error:?}"))?;
    if file.len() > BYTES_MAX {
        return Err(format!("a report of {} is none", bytes(file.len() as f64)));
    }
    Ok((file, pages.len()))
}

fn fill(ink: Ink) -> Fill {
    let (red, green, blue) = ink.rgb();
    Fill {
        paint: rgb::Color::new(red, green, blue).into(),
        opacity: NormalizedF32::ONE,
        rule: Default::default(),
    }
}

fn put(surface: &mut Surface<'_>, draw: &Draw, faces: &Faces) {
    match draw {
        Draw::Text { x, y, size, face, ink, text } => {
            surface.set_stroke(None);
            surface.set_fill(Some(fill(*ink)));
            let font = faces.of(*face).font();
            surface.draw_text(Point::from_xy(*x, *y), font, *size, text, false, TextDirection::Auto);
        }
        Draw::Box { x, y, wide, high, ink } => {
            let Some(rect) = Rect::from_xywh(*x, *y, wide.max(0.1), high.max(0.1)) else { return };
            let mut path = PathBuilder::new();
            path.push_rect(rect);
            surface.set_stroke(None);
            surface.set_fill(Some(fill(*ink)));
            path.finish().iter().for_each(|path| surface.draw_path(path));
        }
        Draw::Line { points, ink, width } => {
            let mut path = PathBuilder::new();
            for (index, (x, y)) in points.iter().enumerate() {
                if index == 0 { path.move_to(*x, *y) } else { path.line_to(*x, *y) }
            }
            surface.set_fill(None);
            surface.set_stroke(Some(Stroke { paint: fill(*ink).paint, width: *width, ..Stroke::default() }));
            path.finish().iter().for_each(|path| surface.draw_path(path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::sample, *};

    #[test]
    fn a_report_is_a_file_with_its_fonts_and_the_same_each_time() {
        let report = sample();
        let (file, pages) = write(&report).expect("a file");
        assert!(file.starts_with(b"%PDF-") && file.trim_ascii_end().ends_with(b"%%EOF"));
        let text = String::from_utf8_lossy(&file);
        assert!(text.contains("DejaVuSans") && text.contains("FontFile2"), "the fonts are within");
        assert!(pages >= 2, "a long table goes on");
        assert_eq!(write(&report).expect("a file").0, file);
    }
}
