//! Films, by ffmpeg, which reads nothing but the film.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use super::{Format, apart};
use crate::jobs::work::{Failure, Work};

/// Files that are films and nothing else. A playlist names other files, which are nobody's business.
const FILES: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,gif";
/// What is written beyond the bound of a result, before ffmpeg ends by itself.
const BEYOND: u64 = 1 << 20;
/// What its progress counts.
const UNIT: &str = "s of film";
/// Words of ffmpeg's that are told.
const WORDS_MAX: usize = 3;

/// A film to be made.
pub(super) struct Film<'a> {
    pub(super) program: &'a Path,
    pub(super) from: &'a Path,
    pub(super) to: &'a Path,
    pub(super) format: Format,
    /// None: as wide as it is.
    pub(super) width: Option<u32>,
    /// 1 to 100.
    pub(super) quality: u32,
    pub(super) bytes_max: u64,
}

impl Film<'_> {
    /// Makes it, as film `place` of `all`.
    ///
    /// # Errors
    /// Final: what ffmpeg refuses, and what is too large. What kills ffmpeg or fills the disk may go well another time.
    pub(super) async fn encode(&self, work: &Work, place: u64, all: u64, name: &str) -> Result<(), Failure> {
        let length_ms = AtomicU64::new(0);
        // All are made of one film, so all are as long.
        let tell = |ms: u64, words: String| {
            let length = length_ms.load(Relaxed);
            if length > 0 {
                let done = place * length + ms.min(length);
                work.tell(done / 1_000, Some(all * length / 1_000), UNIT, words);
            }
        };
        let mut wrong = Vec::new();
        let told = |line: &str| {
            if let Some(ms) = out_ms(line) {
                tell(ms, format!("making {name}"));
            }
        };
        let said = |line: &str| {
            if let Some(ms) = length(line) {
                length_ms.store(ms, Relaxed);
            }
            if is_wrong(line) && wrong.len() < WORDS_MAX {
                wrong.push(self.without_paths(line));
            }
        };
        let status = apart::run(self.program, &self.arguments(), work, told, said).await?;
        let wrong = wrong.join("; ");
        match status.code() {
            Some(0) if tokio::fs::metadata(self.to).await?.len() > self.bytes_max => {
                Err(Failure::Final(format!("{name} is larger than a result may be (--job-result-bytes-max)")))
            }
            Some(0) => {
                // What it says last is a little short of the end.
                tell(u64::MAX, format!("made {name}"));
                Ok(())
            }
            Some(126 | 127) => {
                let program = self.program.display();
                Err(Failure::Final(format!("films need ffmpeg, and {program} does not run here (--ffmpeg)")))
            }
            Some(code) if code < 126 && !wrong.contains("No space left") => {
                Err(Failure::Final(format!("ffmpeg refuses it: {wrong}")))
            }
            _ => Err(Failure::Retry(format!("ffmpeg has ended with {status}: {wrong}"))),
        }
    }

    fn arguments(&self) -> Vec<String> {
        let width = match self.width {
            Some(width) => format!("trunc(min({width},iw)/2)*2"),
            None => "trunc(iw/2)*2".to_owned(),
        };
        let quality = self.quality;
        let own = match self.format {
            // The scales of x264 (0 to 51) and VP9 (0 to 63) go the other way.
            Format::Webm => format!(
                "-c:v libvpx-vp9 -crf {} -b:v 0 -row-mt 1 -deadline good -cpu-used 4 -c:a libopus -b:a 96k -f webm",
                63 - quality * 42 / 100
            ),
            _ => format!(
                "-c:v libx264 -preset medium -crf {} -c:a aac -b:a 128k -movflags +faststart -f mp4",
                50 - quality * 35 / 100
            ),
        };
        let common = format!(
            "-hide_banner -nostdin -nostats -y -loglevel level+info -progress pipe:1 -protocol_whitelist file -format_whitelist {FILES}"
        );
        let chosen = format!(
            "-map 0:v:0 -map 0:a:0? -sn -dn -map_metadata -1 -map_chapters -1 -pix_fmt yuv420p -fs {}",
            self.bytes_max.saturating_add(BEYOND)
        );
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let file = |path: &Path| format!("file:{}", path.display());
        let mut all = words(&common);
        all.extend(["-i".to_owned(), file(self.from)]);
        all.extend(words(&chosen));
        all.extend(["-vf".to_owned(), format!("scale='{width}':-2")]);
        all.extend(words(&own));
        all.push(file(self.to));
        all
    }

    /// Nobody outside has to know where files are.
    fn without_paths(&self, line: &str) -> String {
        let line = line.replace(&self.from.display().to_string(), "the upload");
        line.replace(&self.to.display().to_string(), "the result").replace("file:", "")
    }
}

/// How far ffmpeg is, by a line of its `-progress`, in ms.
fn out_ms(line: &str) -> Option<u64> {
    line.strip_prefix("out_time_us=")?.parse::<u64>().ok().map(|us| us / 1_000)
}

/// How long the film is, by what ffmpeg says of its input: `[info]   Duration: 00:00:04.00, start: …`, in ms.
fn length(line: &str) -> Option<u64> {
    let text = line.split_once("Duration: ")?.1.split(',').next()?;
    let (hours, rest) = text.split_once(':')?;
    let (minutes, seconds) = rest.split_once(':')?;
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let seconds = seconds.parse::<f64>().ok().filter(|seconds| (0.0..60.0).contains(seconds))?;
    let whole = u64::from(hours) * 3_600 + u64::from(minutes.min(59)) * 60;
    Some(whole * 1_000 + (seconds * 1_000.0).round() as u64)
}

fn is_wrong(line: &str) -> bool {
    line.contains("[error]") || line.contains("[fatal]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn film(width: Option<u32>, quality: u32, format: Format) -> Vec<String> {
        let (from, to) = (Path::new("/up/1-a:b.mov"), Path::new("/out/a.mp4"));
        Film { program: Path::new("ffmpeg"), from, to, format, width, quality, bytes_max: 1_000 }.arguments()
    }

    #[test]
    fn what_ffmpeg_says_is_understood() {
        assert_eq!(out_ms("out_time_us=4017052"), Some(4_017));
        assert_eq!((out_ms("out_time_us=N/A"), out_ms("speed=9.25x")), (None, None));
        assert_eq!(
            length("[info]   Duration: 01:02:03.50, start: 0.000000, bitrate: 357 kb/s"),
            Some(3_723_500)
        );
        assert_eq!(
            (length("[info]   Duration: N/A, bitrate: N/A"), length("[info] Stream #0:0")),
            (None, None)
        );
        for title in
            ["Duration: inf:00:00.0,", "Duration: -1:00:00.0,", "Duration: 0:0:1e9,", "Duration: 1:2,"]
        {
            assert_eq!(length(title), None, "{title}");
        }
        assert!(is_wrong("[hls @ 0x560cce0d0980] [error] Format not on whitelist"));
        assert!(!is_wrong("[info] errors: none"));
    }

    #[test]
    fn its_arguments_say_what_is_wanted() {
        let asked = film(Some(640), 75, Format::Mp4).join(" ");
        for part in ["-i file:/up/1-a:b.mov", "scale='trunc(min(640,iw)/2)*2':-2", "-crf 24 ", "-fs 1049576"]
        {
            assert!(asked.contains(part), "{part} in {asked}");
        }
        assert!(asked.ends_with("file:/out/a.mp4"));
        assert!(film(None, 1, Format::Webm).contains(&"63".to_owned()), "the lowest quality");
        assert!(film(None, 100, Format::Webm).contains(&"21".to_owned()), "the highest");
    }
}
