//! How the machine has fared, by the samples that the dashboard's topic retains.

use fourwire_shared::{
    dashboard::HostSample,
    figures::{bytes, number, span},
};

use super::{Curve, Curves, Part, Report, Table, of_job::moment};

/// The report of a machine, from samples, oldest first.
pub(crate) fn report(samples: &[HostSample]) -> Report {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return Report {
            title: "The machine".to_owned(),
            about: "There are no samples yet.".to_owned(),
            ..Report::default()
        };
    };
    let cpu: Vec<f64> = samples.iter().map(|one| mean(one.cpu.iter().map(|core| f64::from(*core)))).collect();
    let memory: Vec<f64> =
        samples.iter().map(|one| one.memory_used as f64 * 100.0 / one.memory_total.max(1) as f64).collect();
    let net: Vec<f64> = samples.iter().map(|one| one.net_in + one.net_out).collect();
    let disk: Vec<f64> = samples.iter().map(|one| one.disk_read + one.disk_write).collect();
    let percent = |name: &str, values: &[f64]| Curve {
        name: name.to_owned(),
        values: values.iter().map(|value| value / 100.0).collect(),
    };
    let both = vec![percent("processor", &cpu), percent("memory", &memory)];
    let table = Table {
        title: "In the mean, and at most".to_owned(),
        head: ["What", "Mean", "Most"].map(str::to_owned).to_vec(),
        rows: vec![
            row("Processor, %", &cpu, number),
            row("Memory, %", &memory, number),
            row("Network, a second", &net, bytes),
            row("Disks, a second", &disk, bytes),
        ],
        numbers_from: 1,
    };
    Report {
        title: "How the machine has fared".to_owned(),
        about: format!("{} samples over {}.", samples.len(), span(last.at.saturating_sub(first.at))),
        facts: vec![
            ("From", moment(first.at)),
            ("To", moment(last.at)),
            ("Cores", last.cpu.len().to_string()),
            ("Memory", bytes(last.memory_total as f64)),
            ("Load, 1 min", number(f64::from(last.load[0]))),
            ("Load, 15 min", number(f64::from(last.load[2]))),
        ],
        parts: vec![
            curve("Processor and memory", "0 to 100 %", both),
            scaled("Network", &net),
            scaled("Disks", &disk),
            Part::Table(table),
        ],
        ..Report::default()
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

fn curve(title: &str, axis: &str, lines: Vec<Curve>) -> Part {
    Part::Curves(Curves { title: title.to_owned(), axis: axis.to_owned(), lines })
}

fn scaled(title: &str, values: &[f64]) -> Part {
    let top = most(values).max(1.0);
    let line = Curve { name: title.to_lowercase(), values: values.iter().map(|value| value / top).collect() };
    curve(title, &format!("0 to {} a second", bytes(top)), vec![line])
}

fn row(name: &str, values: &[f64], words: fn(f64) -> String) -> Vec<String> {
    vec![name.to_owned(), words(mean(values.iter().copied())), words(most(values))]
}
