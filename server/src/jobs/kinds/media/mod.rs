//! `media.encode`: an uploaded picture as AVIF, WebP or JPEG, or a film as MP4 or WebM, in as many widths as are wanted.
//!
//! Films are made by ffmpeg, pictures by this program: both in a process of their own. One file is the result as it is;
//! several are a ZIP. It only reads what was uploaded and writes its own files: it is idempotent.

mod apart;
mod film;
mod picture;
mod pictures;

pub use pictures::encode_picture;

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use fourwire_shared::{
    figures::bytes,
    job::{Backoff, UploadId},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use self::{film::Film, pictures::Order};
use super::{BadInput, Kind, Policy, gone, no_upload, unread};
use crate::jobs::{
    settings::Media,
    uploads::Shelf,
    work::{Done, Failure, Work, blocking},
};

/// The most widths of one job.
const WIDTHS_MAX: usize = 16;
/// The narrowest and the widest that can be asked for: WebP knows no wider picture.
const WIDTHS: std::ops::RangeInclusive<u32> = 16..=16_383;
/// Characters of an upload's name that its results keep.
const STEM_CHARS: usize = 60;

/// A file that can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Avif,
    Webp,
    Jpeg,
    Mp4,
    Webm,
}

impl Format {
    const fn is_film(self) -> bool {
        matches!(self, Self::Mp4 | Self::Webm)
    }

    const fn ending(self) -> &'static str {
        match self {
            Self::Avif => "avif",
            Self::Webp => "webp",
            Self::Jpeg => "jpg",
            Self::Mp4 => "mp4",
            Self::Webm => "webm",
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Avif => "image/avif",
            Self::Webp => "image/webp",
            Self::Jpeg => "image/jpeg",
            Self::Mp4 => "video/mp4",
            Self::Webm => "video/webm",
        }
    }
}

/// What is made of what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    upload: UploadId,
    #[serde(default = "webp")]
    formats: Vec<Format>,
    /// Empty: as wide as it is.
    #[serde(default)]
    widths: Vec<u32>,
    #[serde(default = "good")]
    quality: u32,
}

fn webp() -> Vec<Format> {
    vec![Format::Webp]
}

const fn good() -> u32 {
    75
}

impl Input {
    fn is_film(&self) -> bool {
        self.formats.iter().all(|format| format.is_film())
    }
}

/// A file that was made.
struct Made {
    name: String,
    content_type: &'static str,
    path: PathBuf,
}

/// The kind.
pub(super) struct Encode {
    uploads: Shelf,
    media: Media,
}

impl Encode {
    pub(super) fn new(uploads: Shelf, media: Media) -> Self {
        Self { uploads, media }
    }

    /// Each film at its width, one after another: an encoder has work for all processors.
    async fn films(
        &self,
        input: &Input,
        from: &Path,
        stem: &str,
        scratch: &Path,
        work: &Work,
    ) -> Result<Vec<Made>, Failure> {
        let asked = asked(input);
        let mut made = Vec::with_capacity(asked.len());
        for (place, (width, format)) in (0..).zip(&asked) {
            let name = name(stem, *width, *format);
            let path = scratch.join(&name);
            let film = Film {
                program: &self.media.ffmpeg,
                from,
                to: &path,
                format: *format,
                width: *width,
                quality: input.quality,
                bytes_max: work.bytes_max(),
            };
            film.encode(work, place, asked.len() as u64, &name).await?;
            work.log(format!("{name}: {}", bytes(fs::metadata(&path)?.len() as f64)));
            made.push(Made { name, content_type: format.content_type(), path });
        }
        Ok(made)
    }
}

impl Kind for Encode {
    type Input = Input;

    fn policy(&self) -> Policy {
        Policy {
            name: "media.encode",
            about: "Makes AVIF, WebP or JPEG of an uploaded picture, or MP4 or WebM of a film, in the widths that are wanted.",
            idempotent: true,
            max_attempts: 3,
            timeout_s: 3_600,
            backoff: Backoff { first_ms: 1_000, most_ms: 60_000 },
        }
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["upload"],
            "x-order": ["upload", "formats", "widths", "quality"],
            "properties": {
                "upload": {"type": "string", "format": "upload", "description": "A picture as JPEG, PNG, WebP, GIF or BMP, or a film. Where it was taken and by whom is left out of the results."},
                "formats": {"type": "array", "items": {"enum": ["avif", "webp", "jpeg", "mp4", "webm"]}, "default": ["webp"], "description": "Of a picture avif, webp and jpeg; of a film mp4 and webm."},
                "widths": {"type": "array", "items": {"type": "integer", "minimum": WIDTHS.start(), "maximum": WIDTHS.end()}, "maxItems": WIDTHS_MAX, "description": "In pixels, such as 320, 1280; as wide as it is if none is said. Nothing is made wider than it is."},
                "quality": {"type": "integer", "minimum": 1, "maximum": 100, "default": good()},
            },
        })
    }

    fn check(&self, input: &Input) -> Result<(), BadInput> {
        let bad = |field, what: String| Err(BadInput { field, what });
        if self.uploads.find(&input.upload).is_none() {
            return Err(no_upload(&input.upload));
        }
        let films = input.formats.iter().filter(|format| format.is_film()).count();
        if input.formats.is_empty() {
            return bad("formats", "one is needed".to_owned());
        }
        if films > 0 && films < input.formats.len() {
            return bad("formats", "they are those of pictures or those of films, not both".to_owned());
        }
        if input.widths.len() > WIDTHS_MAX {
            return bad("widths", format!("there are at most {WIDTHS_MAX}"));
        }
        if input.widths.iter().any(|width| !WIDTHS.contains(width)) {
            return bad("widths", format!("each is {} to {}", WIDTHS.start(), WIDTHS.end()));
        }
        if !(1..=100).contains(&input.quality) {
            return bad("quality", "it is 1 to 100".to_owned());
        }
        Ok(())
    }

    async fn run(&self, input: Input, work: Work) -> Result<Done, Failure> {
        let (upload, path) = self.uploads.find(&input.upload).ok_or_else(gone)?;
        let (stem, scratch) = (stem(&upload.name), work.scratch());
        tokio::fs::create_dir_all(&scratch).await?;
        let made = if input.is_film() {
            self.films(&input, &path, &stem, &scratch, &work).await?
        } else {
            let Input { widths, formats, quality, .. } = input;
            let (stem, pixels_max) = (stem.clone(), self.media.pixels_max);
            let order = Order { from: path, to: scratch, stem, widths, formats, quality, pixels_max };
            order.give(&work).await?
        };
        blocking(move || pack(&made, &stem, &work)).await?
    }
}

/// What is asked for, each once.
fn asked(input: &Input) -> BTreeSet<(Option<u32>, Format)> {
    let widths: Vec<Option<u32>> = match input.widths.as_slice() {
        [] => vec![None],
        some => some.iter().copied().map(Some).collect(),
    };
    widths.into_iter().flat_map(|width| input.formats.iter().map(move |format| (width, *format))).collect()
}

/// One file as it is, several as a ZIP: what is encoded does not get smaller in it.
fn pack(made: &[Made], stem: &str, work: &Work) -> Result<Done, Failure> {
    work.check()?;
    if let [one] = made {
        let mut result = work.result(&one.name, one.content_type)?;
        io::copy(&mut File::open(&one.path)?, &mut result).map_err(unread)?;
        return Ok(result.finish()?);
    }
    let mut zip = ZipWriter::new_stream(work.result(format!("{stem}.zip"), "application/zip")?);
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    for one in made {
        work.check()?;
        zip.start_file(&one.name, stored).map_err(Failure::retry)?;
        io::copy(&mut File::open(&one.path)?, &mut zip).map_err(unread)?;
    }
    let result = zip.finish().map_err(Failure::retry)?.into_inner();
    Ok(result.finish()?)
}

/// An upload's name without its ending, as a file may be called anywhere.
fn stem(name: &str) -> String {
    let stem = Path::new(name).file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    let good = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let stem: String = stem.trim_start_matches(['-', '.']).chars().take(STEM_CHARS).map(good).collect();
    if stem.is_empty() { "media".to_owned() } else { stem }
}

fn name(stem: &str, width: Option<u32>, format: Format) -> String {
    let ending = format.ending();
    match width {
        Some(width) => format!("{stem}-{width}.{ending}"),
        None => format!("{stem}.{ending}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_anywhere() {
        for (name, expected) in [
            ("Rosy Cheeks.JPG", "Rosy_Cheeks"),
            ("-y.png", "y"),
            (".png", "png"),
            ("größe 1:2.tar.gz", "gr__e_1_2.tar"),
            ("", "media"),
        ] {
            assert_eq!(stem(name), expected, "{name:?}");
        }
        assert_eq!(name("a", Some(320), Format::Jpeg), "a-320.jpg");
        assert_eq!(name("a", None, Format::Webm), "a.webm");
    }

    #[test]
    fn what_is_asked_for_twice_is_made_once() {
        let input = |widths: &[u32]| Input {
            upload: UploadId::new(1),
            formats: vec![Format::Webm, Format::Mp4, Format::Webm],
            widths: widths.to_vec(),
            quality: 75,
        };
        assert_eq!(asked(&input(&[])).len(), 2);
        assert_eq!(asked(&input(&[640, 320, 640])).len(), 4);
    }
}
