//! Pictures, made by a process of their own (`fourwire encode-picture`): no encoder can be asked to end in the middle of a
//! file, and a process can be killed there; what a broken picture does to its decoder is nobody else's business.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Write},
    path::PathBuf,
};

use fourwire_shared::figures::bytes;
use serde::{Deserialize, Serialize};

use super::{Format, Made, apart, name, picture};
use crate::jobs::work::{Failure, Work};

/// The command that carries an order out.
const COMMAND: &str = "encode-picture";

/// What is to be made.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub(super) from: PathBuf,
    /// A directory.
    pub(super) to: PathBuf,
    /// How names begin.
    pub(super) stem: String,
    /// Empty: as wide as it is.
    pub(super) widths: Vec<u32>,
    pub(super) formats: Vec<Format>,
    pub(super) quality: u32,
    pub(super) pixels_max: u64,
}

/// What the process says, a line each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    /// How far it is.
    Far { done: u64, total: Option<u64>, message: String },
    /// For whoever looks at the job.
    Log(String),
    /// A file is there.
    Made { name: String, format: Format },
    /// It can never be made.
    Refused(String),
}

impl Order {
    /// Has it carried out.
    ///
    /// # Errors
    /// Final: what the picture is not. A process that died, or a disk that is full, may go well another time.
    pub(super) async fn give(&self, work: &Work) -> Result<Vec<Made>, Failure> {
        let order = serde_json::to_string(self).map_err(Failure::retry)?;
        let (mut made, mut refused, mut last) = (Vec::new(), None, String::new());
        let hear = |line: &str| match serde_json::from_str(line) {
            Ok(Said::Far { done, total, message }) => work.tell(done, total, "files", message),
            Ok(Said::Log(text)) => work.log(text),
            Ok(Said::Made { name, format }) => {
                let path = self.to.join(&name);
                made.push(Made { name, content_type: format.content_type(), path });
            }
            Ok(Said::Refused(why)) => refused = Some(why),
            Err(_) => {}
        };
        let program = this_program()?;
        let complain = |line: &str| line.clone_into(&mut last);
        let status = apart::run(&program, &[COMMAND.to_owned(), order], work, hear, complain).await?;
        match refused {
            Some(why) => Err(Failure::Final(why)),
            None if status.success() => Ok(made),
            None => Err(Failure::Retry(format!("the encoder has ended with {status}: {last}"))),
        }
    }

    /// Carries it out: each picture, at each width.
    fn obey(&self, say: &mut impl FnMut(Said) -> io::Result<()>) -> Result<(), Fault> {
        let far = |done, total, message| Said::Far { done, total, message };
        say(far(0, None, "reading the picture".to_owned()))?;
        let whole = picture::read(File::open(&self.from)?, self.pixels_max).map_err(Fault::Picture)?;
        let (width, height) = whole.dimensions();
        say(Said::Log(format!("{width} × {height} pixels")))?;
        let widths: BTreeSet<u32> = self.widths.iter().map(|asked| (*asked).min(width)).collect();
        let widths = if widths.is_empty() { BTreeSet::from([width]) } else { widths };
        let formats: BTreeSet<Format> = self.formats.iter().copied().collect();
        let all = (widths.len() * formats.len()) as u64;
        let mut done = 0;
        for wide in widths {
            let sized = picture::narrowed(&whole, wide).map_err(Fault::Picture)?;
            for format in &formats {
                let name = name(&self.stem, Some(wide), *format);
                say(far(done, Some(all), format!("making {name}")))?;
                let file = picture::encoded(&sized, *format, self.quality).map_err(Fault::Picture)?;
                fs::write(self.to.join(&name), &file)?;
                let words = format!("{name}: {wide} × {}, {}", sized.height(), bytes(file.len() as f64));
                say(Said::Log(words))?;
                say(Said::Made { name, format: *format })?;
                done += 1;
            }
        }
        say(far(all, Some(all), "all are made".to_owned()))?;
        Ok(())
    }
}

/// Why an order is not carried out.
enum Fault {
    /// The picture's, in words.
    Picture(String),
    /// The system's.
    System(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// Carries out an order (JSON) in this process, and tells how it goes, a line of JSON each.
///
/// # Errors
/// The system's: the disk's, or nobody listens any more. What is wrong with the picture is told.
pub fn encode_picture(order: &str, out: &mut impl Write) -> io::Result<()> {
    let order: Order = serde_json::from_str(order)?;
    let mut say = |said: Said| {
        serde_json::to_writer(&mut *out, &said)?;
        out.write_all(b"\n")?;
        out.flush()
    };
    match order.obey(&mut say) {
        Ok(()) => Ok(()),
        Err(Fault::Picture(why)) => say(Said::Refused(why)),
        Err(Fault::System(error)) => Err(error),
    }
}

/// This program, also after its file was replaced by a newer one.
fn this_program() -> io::Result<PathBuf> {
    let running = PathBuf::from(format!("/proc/{}/exe", std::process::id()));
    if running.exists() { Ok(running) } else { std::env::current_exe() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::testing::Dir;

    fn said(order: &Order) -> Vec<Said> {
        let mut out = Vec::new();
        encode_picture(&serde_json::to_string(order).expect("JSON"), &mut out).expect("told");
        let lines = String::from_utf8(out).expect("UTF-8");
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    #[test]
    fn an_order_is_carried_out_or_refused() {
        let dir = Dir::in_memory("pictures");
        fs::create_dir_all(dir.path()).expect("a directory");
        let from = dir.path().join("from.png");
        image::RgbaImage::new(40, 20).save(&from).expect("a picture");
        let order = Order {
            from,
            to: dir.path().to_owned(),
            stem: "a".to_owned(),
            widths: vec![20, 400, 20],
            formats: vec![Format::Jpeg, Format::Webp, Format::Jpeg],
            quality: 80,
            pixels_max: 800,
        };
        let told = said(&order);
        let made = told.iter().filter_map(|said| match said {
            Said::Made { name, .. } => Some(name.as_str()),
            _ => None,
        });
        let made: Vec<&str> = made.collect();
        assert_eq!(made, ["a-20.webp", "a-20.jpg", "a-40.webp", "a-40.jpg"], "each once, and none wider");
        assert!(made.iter().all(|name| dir.path().join(name).exists()));
        assert!(told.contains(&Said::Log("40 × 20 pixels".to_owned())));
        assert!(matches!(told.last(), Some(Said::Far { done: 4, total: Some(4), .. })), "{told:?}");
        let told = said(&Order { pixels_max: 799, ..order.clone() });
        assert!(matches!(told.last(), Some(Said::Refused(why)) if why.contains("40 × 20")), "{told:?}");
        let gone = Order { from: dir.path().join("gone"), ..order };
        let gone = serde_json::to_string(&gone).expect("JSON");
        assert!(encode_picture(&gone, &mut Vec::new()).is_err());
        assert!(encode_picture("{}", &mut Vec::new()).is_err());
    }
}
