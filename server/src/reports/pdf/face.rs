//! The fonts, and how wide text is in them.

use krilla::text::Font;
use skrifa::{
    FontRef, MetadataProvider,
    instance::{LocationRef, Size},
};

/// Which font.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    Plain,
    Bold,
    Mono,
}

/// A font.
pub(super) struct Loaded {
    font: Font,
    metrics: FontRef<'static>,
}

/// All fonts.
pub(super) struct Faces([Loaded; 3]);

impl Faces {
    /// Reads them; they are within the program.
    pub(super) fn new() -> Option<Self> {
        let load = |data: &'static [u8]| {
            let font = Font::new(data.to_vec().into(), 0)?;
            Some(Loaded { font, metrics: FontRef::new(data).ok()? })
        };
        Some(Self([
            load(dejavu::sans::regular())?,
            load(dejavu::sans::bold())?,
            load(dejavu::sans_mono::regular())?,
        ]))
    }

    pub(super) const fn of(&self, face: Face) -> &Loaded {
        match face {
            Face::Plain => &self.0[0],
            Face::Bold => &self.0[1],
            Face::Mono => &self.0[2],
        }
    }
}

impl Loaded {
    pub(super) fn font(&self) -> Font {
        self.font.clone()
    }

    /// How wide a text is at this size.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        let metrics = self.metrics.glyph_metrics(Size::new(size), LocationRef::default());
        let glyphs = self.metrics.charmap();
        let of = |letter| glyphs.map(letter).and_then(|glyph| metrics.advance_width(glyph));
        text.chars().map(|letter| of(letter).unwrap_or(size * 0.6)).sum()
    }
}
