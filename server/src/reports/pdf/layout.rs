//! What stands where on the pages of a report, in points from the upper left. Text is wrapped, tables go on with their head
//! repeated, and nothing is torn that belongs together.

use super::{
    super::{Bars, Curves, Part, Report, Table},
    face::{Face, Faces},
};

/// A4.
pub(super) const WIDTH: f32 = 595.28;
pub(super) const HEIGHT: f32 = 841.89;
const LEFT: f32 = 54.0;
const TOP: f32 = 54.0;
const BOTTOM: f32 = HEIGHT - 62.0;
const WIDE: f32 = WIDTH - 2.0 * LEFT;
/// Lines by their font's size.
const LEADING: f32 = 1.45;
/// The most lines of a cell: what is longer ends with dots.
const CELL_LINES_MAX: usize = 6;
/// The most lines of text that is shown as it is.
const CODE_LINES_MAX: usize = 60;

/// A colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Black,
    Grey,
    Pale,
    Ok,
    OkSoft,
    Bad,
    BadSoft,
    /// Of a bar or line, by its place.
    Series(usize),
    /// The same, paler.
    Soft(usize),
}

impl Ink {
    pub(super) const fn rgb(self) -> (u8, u8, u8) {
        const SERIES: [(u8, u8, u8); 4] =
            [(0x1f, 0x5f, 0xd0), (0xb5, 0x4b, 0xc0), (0x2c, 0x9a, 0x00), (0x73, 0x36, 0x08)];
        match self {
            Self::Black => (0x15, 0x18, 0x1d),
            Self::Grey => (0x56, 0x5e, 0x6b),
            Self::Pale => (0xdf, 0xe3, 0xe9),
            Self::Ok => (0x0b, 0x7a, 0x3b),
            Self::OkSoft => (0xe3, 0xf4, 0xea),
            Self::Bad => (0xc0, 0x25, 0x25),
            Self::BadSoft => (0xfb, 0xe7, 0xe6),
            Self::Series(index) => SERIES[index % 4],
            Self::Soft(index) => {
                let (red, green, blue) = SERIES[index % 4];
                (red / 2 + 127, green / 2 + 127, blue / 2 + 127)
            }
        }
    }
}

/// Something on a page.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Draw {
    /// Text on a line at `y`.
    Text {
        x: f32,
        y: f32,
        size: f32,
        face: Face,
        ink: Ink,
        text: String,
    },
    Box {
        x: f32,
        y: f32,
        wide: f32,
        high: f32,
        ink: Ink,
    },
    Line {
        points: Vec<(f32, f32)>,
        ink: Ink,
        width: f32,
    },
}

/// The pages of a report.
pub(super) fn lay_out(report: &Report, faces: &Faces) -> Vec<Vec<Draw>> {
    let mut sheet = Sheet { faces, pages: vec![Vec::new()], y: TOP };
    sheet.paragraph(&report.title, 22.0, Face::Bold, Ink::Black);
    sheet.y += 4.0;
    sheet.paragraph(&report.about, 10.5, Face::Plain, Ink::Grey);
    sheet.y += 8.0;
    sheet.facts(&report.facts);
    for part in &report.parts {
        sheet.part(part);
    }
    sheet.feet(&report.title);
    sheet.pages
}

struct Sheet<'a> {
    faces: &'a Faces,
    pages: Vec<Vec<Draw>>,
    y: f32,
}

impl Sheet<'_> {
    fn draw(&mut self, draw: Draw) {
        if let Some(page) = self.pages.last_mut() {
            page.push(draw);
        }
    }

    /// Goes to a new page if there is not so much room.
    fn room(&mut self, high: f32) -> bool {
        let is_new = self.y + high > BOTTOM && self.y > TOP;
        if is_new {
            self.pages.push(Vec::new());
            self.y = TOP;
        }
        is_new
    }

    fn text(&mut self, x: f32, size: f32, face: Face, ink: Ink, text: impl Into<String>) {
        let (y, text) = (self.y, text.into());
        self.draw(Draw::Text { x, y, size, face, ink, text });
    }

    fn paragraph(&mut self, text: &str, size: f32, face: Face, ink: Ink) {
        for line in self.wrapped(text, size, face, WIDE) {
            self.room(size * LEADING);
            self.y += size * LEADING;
            self.text(LEFT, size, face, ink, line);
        }
    }

    /// Text in lines that are no wider than this. A word that is wider is broken.
    fn wrapped(&self, text: &str, size: f32, face: Face, wide: f32) -> Vec<String> {
        let font = self.faces.of(face);
        let (mut lines, mut line) = (Vec::new(), String::new());
        for word in text.split_whitespace() {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if font.width(&longer, size) <= wide {
                line = longer;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for letter in word.chars() {
                line.push(letter);
                if font.width(&line, size) > wide && line.chars().count() > 1 {
                    line.pop();
                    lines.push(std::mem::replace(&mut line, letter.to_string()));
                }
            }
        }
        if !line.is_empty() || lines.is_empty() {
            lines.push(line);
        }
        lines
    }

    fn facts(&mut self, facts: &[(&'static str, String)]) {
        let column = WIDE / 3.0;
        for row in facts.chunks(3) {
            self.room(32.0);
            for (index, (name, value)) in row.iter().enumerate() {
                let x = LEFT + column * index as f32;
                let (name_y, value_y) = (self.y + 12.0, self.y + 25.0);
                let value = self.wrapped(value, 9.5, Face::Bold, column - 8.0).swap_remove(0);
                let name = (*name).to_owned();
                self.draw(Draw::Text {
                    x,
                    y: name_y,
                    size: 8.0,
                    face: Face::Plain,
                    ink: Ink::Grey,
                    text: name,
                });
                self.draw(Draw::Text {
                    x,
                    y: value_y,
                    size: 9.5,
                    face: Face::Bold,
                    ink: Ink::Black,
                    text: value,
                });
            }
            self.y += 32.0;
        }
        self.y += 6.0;
    }

    fn part(&mut self, part: &Part) {
        self.y += 10.0;
        match part {
            Part::Words(words) => self.paragraph(words, 11.5, Face::Plain, Ink::Black),
            Part::Verdict { words, violations } if violations.is_empty() => {
                self.boxed(&format!("{words} Everything adds up."), &[], Ink::Ok, Ink::OkSoft);
            }
            Part::Verdict { words, violations } => self.boxed(words, violations, Ink::Bad, Ink::BadSoft),
            Part::Trouble { title, words } => {
                self.boxed(title, std::slice::from_ref(words), Ink::Bad, Ink::BadSoft);
            }
            Part::Bars(bars) => self.bars(bars),
            Part::Curves(curves) => self.curves(curves),
            Part::Table(table) => self.table(table),
            Part::Picture { .. } => {}
            Part::Code { title, text } => self.code(title, text),
        }
    }

    fn boxed(&mut self, words: &str, more: &[String], edge: Ink, ground: Ink) {
        let mut lines = self.wrapped(words, 10.0, Face::Plain, WIDE - 24.0);
        for one in more {
            lines.extend(self.wrapped(&format!("– {one}"), 10.0, Face::Plain, WIDE - 24.0));
        }
        let high = lines.len() as f32 * 10.0 * LEADING + 12.0;
        self.room(high);
        let y = self.y;
        self.draw(Draw::Box { x: LEFT, y, wide: WIDE, high, ink: ground });
        self.draw(Draw::Box { x: LEFT, y, wide: 2.5, high, ink: edge });
        self.y += 4.0;
        for line in lines {
            self.y += 10.0 * LEADING;
            self.text(LEFT + 12.0, 10.0, Face::Plain, Ink::Black, line);
        }
        self.y = y + high;
    }

    fn heading(&mut self, title: &str, with: f32) {
        self.room(22.0 + with);
        self.y += 16.0;
        self.text(LEFT, 11.0, Face::Bold, Ink::Black, title);
        self.y += 6.0;
    }

    fn bars(&mut self, Bars { title, bars }: &Bars) {
        const LINE: f32 = 22.0;
        let (from, wide) = (LEFT + 110.0, WIDE - 110.0 - 120.0);
        self.heading(title, bars.len() as f32 * LINE);
        for (index, bar) in bars.iter().enumerate() {
            let y = self.y;
            self.y += 14.0;
            self.text(LEFT, 9.5, Face::Plain, Ink::Black, &*bar.name);
            let at = |part: f64| from + part.clamp(0.0, 1.0) as f32 * wide;
            let long = (at(bar.to) - at(bar.from)).max(1.0);
            self.draw(Draw::Box {
                x: at(bar.from),
                y: y + 4.0,
                wide: long,
                high: 13.0,
                ink: Ink::Soft(index),
            });
            for dot in &bar.dots {
                let x = at(*dot) - 1.5;
                self.draw(Draw::Box { x, y: y + 3.0, wide: 3.0, high: 15.0, ink: Ink::Series(index) });
            }
            self.text(from + wide + 10.0, 9.5, Face::Plain, Ink::Black, &*bar.label);
            self.y = y + LINE;
        }
    }

    fn curves(&mut self, Curves { title, axis, lines }: &Curves) {
        const HIGH: f32 = 130.0;
        self.heading(title, HIGH + 34.0);
        let top = self.y + 4.0;
        let line = vec![(LEFT, top + HIGH), (LEFT + WIDE, top + HIGH)];
        self.draw(Draw::Line { points: line, ink: Ink::Pale, width: 0.75 });
        let mut x = LEFT;
        self.y = top + HIGH + 14.0;
        self.text(LEFT, 8.0, Face::Plain, Ink::Grey, axis.as_str());
        self.y += 13.0;
        for (index, curve) in lines.iter().enumerate() {
            let last = curve.values.len().saturating_sub(1).max(1) as f32;
            let point = |(place, value): (usize, &f64)| {
                let down = 1.0 - value.clamp(0.0, 1.0) as f32;
                (LEFT + place as f32 / last * WIDE, top + down * HIGH)
            };
            let points: Vec<_> = curve.values.iter().enumerate().map(point).collect();
            if points.len() > 1 {
                self.draw(Draw::Line { points, ink: Ink::Series(index), width: 1.25 });
            }
            self.text(x, 8.5, Face::Bold, Ink::Series(index), &*curve.name);
            x += self.faces.of(Face::Bold).width(&curve.name, 8.5) + 18.0;
        }
        self.y += 6.0;
    }

    fn table(&mut self, table: &Table) {
        let (widths, size) = self.widths(table);
        self.heading(&table.title, 3.0 * size * LEADING);
        self.row(&table.head, &widths, table.numbers_from, Face::Bold, size);
        for cells in &table.rows {
            let lines = self.cells(cells, &widths, Face::Plain, size);
            let high = lines.iter().map(Vec::len).max().unwrap_or(1) as f32 * size * LEADING + 5.0;
            if self.room(high) {
                self.row(&table.head, &widths, table.numbers_from, Face::Bold, size);
            }
            self.row(cells, &widths, table.numbers_from, Face::Plain, size);
        }
    }

    /// How wide the columns are, and how large their text: as wide as what they hold, and all together as wide as the
    /// page. What does not fit is set smaller, and then wrapped.
    fn widths(&self, table: &Table) -> (Vec<f32>, f32) {
        const SIZE: f32 = 8.0;
        const LEAST: f32 = 6.0;
        let natural = |column: usize| {
            let cells = table.rows.iter().filter_map(|row| row.get(column));
            let cells = cells.map(|cell| self.faces.of(Face::Plain).width(cell, SIZE));
            let head = self.faces.of(Face::Bold).width(&table.head[column], SIZE);
            cells.fold(head, f32::max).clamp(12.0, 220.0) + 8.0
        };
        let natural: Vec<f32> = (0..table.head.len()).map(natural).collect();
        let all: f32 = natural.iter().sum::<f32>().max(1.0);
        let size = (SIZE * WIDE / all).clamp(LEAST, SIZE);
        (natural.into_iter().map(|wide| wide * WIDE / all).collect(), size)
    }

    fn cells(&self, cells: &[String], widths: &[f32], face: Face, size: f32) -> Vec<Vec<String>> {
        let wrap = |(cell, wide): (&String, &f32)| {
            let mut lines = self.wrapped(cell, size, face, wide - 7.0);
            if lines.len() > CELL_LINES_MAX {
                lines.truncate(CELL_LINES_MAX);
                lines.iter_mut().last().iter_mut().for_each(|line| line.push('…'));
            }
            lines
        };
        cells.iter().zip(widths).map(wrap).collect()
    }

    fn row(&mut self, cells: &[String], widths: &[f32], numbers_from: usize, face: Face, size: f32) {
        let lines = self.cells(cells, widths, face, size);
        let high = lines.iter().map(Vec::len).max().unwrap_or(1) as f32 * size * LEADING + 5.0;
        let (top, mut x) = (self.y, LEFT);
        let ink = if face == Face::Bold { Ink::Grey } else { Ink::Black };
        for (column, (lines, wide)) in lines.into_iter().zip(widths).enumerate() {
            self.y = top;
            for line in lines {
                self.y += size * LEADING;
                let left = if column >= numbers_from {
                    x + wide - 7.0 - self.faces.of(face).width(&line, size)
                } else {
                    x
                };
                self.text(left, size, face, ink, line);
            }
            x += wide;
        }
        self.y = top + high;
        let points = vec![(LEFT, self.y), (LEFT + WIDE, self.y)];
        self.draw(Draw::Line { points, ink: Ink::Pale, width: 0.5 });
    }

    fn code(&mut self, title: &str, text: &str) {
        self.heading(title, 30.0);
        for line in text.lines().take(CODE_LINES_MAX) {
            // Indentation is part of it.
            let indent: String = line.chars().take_while(|letter| *letter == ' ').collect();
            let inset = self.faces.of(Face::Mono).width(&indent, 8.0);
            for line in self.wrapped(line, 8.0, Face::Mono, WIDE - inset) {
                self.room(8.0 * LEADING);
                self.y += 8.0 * LEADING;
                self.text(LEFT + inset, 8.0, Face::Mono, Ink::Black, line);
            }
        }
    }

    /// The foot of each page.
    fn feet(&mut self, title: &str) {
        let pages = self.pages.len();
        let title = self.wrapped(title, 8.0, Face::Plain, WIDE - 120.0).swap_remove(0);
        for (index, page) in self.pages.iter_mut().enumerate() {
            let y = HEIGHT - 36.0;
            let number = format!("{} of {pages}", index + 1);
            let x = LEFT + WIDE - self.faces.of(Face::Plain).width(&number, 8.0);
            let text = |x, text| Draw::Text { x, y, size: 8.0, face: Face::Plain, ink: Ink::Grey, text };
            page.push(text(LEFT, format!("Fourwire · {title}")));
            page.push(text(x, number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::tests::sample, *};

    fn pages() -> Vec<Vec<Draw>> {
        lay_out(&sample(), &Faces::new().expect("fonts"))
    }

    #[test]
    fn nothing_leaves_the_page() {
        let faces = Faces::new().expect("fonts");
        for draw in pages().iter().flatten() {
            let (right, bottom) = match draw {
                Draw::Text { x, y, size, face, text, .. } => (x + faces.of(*face).width(text, *size), *y),
                Draw::Box { x, y, wide, high, .. } => (x + wide, y + high),
                Draw::Line { points, .. } => {
                    let most = |of: fn(&(f32, f32)) -> f32| points.iter().map(of).fold(0.0, f32::max);
                    (most(|point| point.0), most(|point| point.1))
                }
            };
            assert!(right <= LEFT + WIDE + 0.5 && bottom <= HEIGHT - 30.0, "{draw:?}: {right} {bottom}");
        }
    }

    #[test]
    fn a_table_that_goes_on_has_its_head_again_and_loses_no_row() {
        let pages = pages();
        let texts = |page: &[Draw]| -> Vec<String> {
            let text =
                |draw: &Draw| if let Draw::Text { text, .. } = draw { Some(text.clone()) } else { None };
            page.iter().filter_map(text).collect()
        };
        let all: Vec<Vec<String>> = pages.iter().map(|page| texts(page)).collect();
        let with_head = all.iter().filter(|page| page.contains(&"Row".to_owned())).count();
        assert!(with_head >= 2, "{with_head}");
        for row in 0..120 {
            assert_eq!(
                all.iter().flatten().filter(|text| **text == format!("row {row}")).count(),
                1,
                "{row}"
            );
        }
        assert!(all.iter().enumerate().all(|(n, page)| page.contains(&format!(
            "{} of {}",
            n + 1,
            all.len()
        ))));
    }

    #[test]
    fn a_word_that_is_wider_than_its_place_is_broken() {
        let faces = Faces::new().expect("fonts");
        let sheet = Sheet { faces: &faces, pages: vec![Vec::new()], y: TOP };
        let lines = sheet.wrapped(&"x".repeat(400), 10.0, Face::Plain, 100.0);
        assert_eq!(lines.concat().len(), 400);
        assert!(lines.len() > 5 && lines.iter().all(|line| faces.of(Face::Plain).width(line, 10.0) <= 100.0));
    }
}
