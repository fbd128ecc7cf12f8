//! The page that pictures are drawn on: places in pixels, words, lines, arrows, and the file at the end.

use std::fmt::Display;
use std::path::Path;

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea as _};
use plotters::element::{Circle, PathElement, Polygon, Text};
use plotters::prelude::SVGBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontFamily, FontStyle, IntoTextStyle as _, RGBColor, ShapeStyle, TextStyle, WHITE};

use crate::data::write_atomically;
use crate::error::Result;

/// Drawing units a pixel: the backend knows whole units only, and a curve of dots on whole pixels shows stairs.
pub(super) const UNITS: f64 = 10.0;

/// §6: orange is what is true, blue what is predicted, in every picture.
pub(super) const TRUE: RGBColor = RGBColor(255, 140, 0);
pub(super) const PREDICTED: RGBColor = RGBColor(31, 90, 180);
pub(super) const INK: RGBColor = RGBColor(38, 38, 38);

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Failure = DrawingAreaErrorKind<std::io::Error>;
pub(super) type Drawn = std::result::Result<(), Failure>;

/// The SVG document of `size` pixels that `paint` draws.
pub(super) fn document(size: (f64, f64), paint: impl FnOnce(&Area) -> Drawn) -> String {
    let fine = (units(size.0) as u32, units(size.1) as u32);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, fine).into_drawing_area();
        root.fill(&WHITE).and_then(|()| paint(&root)).and_then(|()| root.present()).expect("text can always grow");
    }
    // The page is measured in pixels, what is on it in units; attributes at their defaults are a third of the file.
    let dimensions =
        |width: &dyn Display, height: &dyn Display| format!("width=\"{width}\" height=\"{height}\" viewBox");
    svg.replacen(&dimensions(&fine.0, &fine.1), &dimensions(&size.0, &size.1), 1)
        .replace(" opacity=\"1\"", "")
        .replace(" stroke=\"none\" stroke-width=\"1\"", "")
}

/// The SVG document of three panels in a row, under a title and a legend; `paint` draws the panel of that index.
pub(super) fn triptych(title: &str, entries: [&str; 2], paint: impl Fn(usize, &Area) -> Drawn) -> String {
    document((1020.0, 330.0), |page| {
        let (header, body) = page.split_vertically(units(34.0));
        text(&header, title, (16.0, 20.0), font(15.0).bold(), HPos::Left)?;
        legend(&header, 1004.0, 20.0, entries)?;
        body.split_evenly((1, 3)).iter().enumerate().try_for_each(|(i, area)| paint(i, area))
    })
}

/// Which colour is which, ending before `right`.
pub(super) fn legend(area: &Area, right: f64, y: f64, [exact, approximate]: [&str; 2]) -> Drawn {
    let mut x = right;
    for (label, colour) in [(approximate, PREDICTED), (exact, TRUE)] {
        // Nobody knows how wide the reader's letters are: room for wide ones.
        x -= 7.0 * label.chars().count() as f64 + 8.0;
        text(area, label, (x, y), font(12.0), HPos::Left)?;
        area.draw(&Circle::new(at((x - 9.0, y)), units(3.5), colour.filled()))?;
        x -= 18.0;
    }
    Ok(())
}

/// A line through `points`, in pixels, with a head at the last.
pub(super) fn arrow(area: &Area, points: &[(f64, f64)], style: ShapeStyle) -> Drawn {
    let [.., (x0, y0), (x1, y1)] = *points else { return Ok(()) };
    let length = (x1 - x0).hypot(y1 - y0).max(1e-9);
    let (dx, dy) = ((x1 - x0) / length, (y1 - y0) / length);
    let (base_x, base_y) = (x1 - 9.0 * dx, y1 - 9.0 * dy);
    let mut shaft: Vec<_> = points.iter().map(|&p| at(p)).collect();
    shaft[points.len() - 1] = at((base_x, base_y));
    area.draw(&PathElement::new(shaft, style))?;
    let head = [(x1, y1), (base_x - 4.0 * dy, base_y + 4.0 * dx), (base_x + 4.0 * dy, base_y - 4.0 * dx)];
    area.draw(&Polygon::new(head.map(at).to_vec(), style.color.filled()))
}

/// Words at a place given in pixels, centred on it from top to bottom.
pub(super) fn text(area: &Area, words: &str, place: (f64, f64), font: Font, side: HPos) -> Drawn {
    area.draw(&Text::new(words.to_owned(), at(place), font.style().pos(Pos::new(side, VPos::Center))))
}

/// A line's colour and width in pixels.
pub(super) fn stroke(colour: RGBColor, width: f64) -> ShapeStyle {
    colour.stroke_width(units(width) as u32)
}

/// Size in pixels, weight and colour of some text.
#[derive(Clone, Copy)]
pub(super) struct Font {
    size: f64,
    style: FontStyle,
    colour: RGBColor,
}

pub(super) fn font(size: f64) -> Font {
    Font { size, style: FontStyle::Normal, colour: INK }
}

impl Font {
    pub(super) fn bold(self) -> Self {
        Self { style: FontStyle::Bold, ..self }
    }

    pub(super) fn style(self) -> TextStyle<'static> {
        // The backend divides sizes by 1.24.
        let family = FontFamily::Name("Helvetica, Arial, sans-serif");
        let style = (family, self.size * UNITS * 1.24, self.style).into_text_style(&(0, 0));
        TextStyle { color: self.colour.to_backend_color(), ..style }
    }
}

/// A length in pixels as whole drawing units.
pub(super) fn units(pixels: f64) -> i32 {
    (pixels * UNITS).round() as i32
}

/// A place in pixels as drawing units.
pub(super) fn at((x, y): (f64, f64)) -> (i32, i32) {
    (units(x), units(y))
}

/// Writes `text` so that the file is either as it was or complete, never half-written; folders are made as needed.
///
/// # Errors
/// With the path and what the file system says.
pub fn save(path: &Path, text: &str) -> Result<()> {
    write_atomically(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{HPos, at, document, font, save, text};

    #[test]
    fn a_page_is_measured_in_pixels_and_escapes_its_words() {
        let svg = document((200.0, 100.5), |page| text(page, "a < b & c", (10.0, 20.0), font(12.0), HPos::Left));
        assert!(svg.starts_with("<svg width=\"200\" height=\"100.5\" viewBox=\"0 0 2000 1005\""), "{svg}");
        assert!(svg.contains("a &lt; b &amp; c"));
        assert!(svg.trim_end().ends_with("</svg>"));
        assert_eq!(at((1.26, -0.5)), (13, -5));
    }

    #[test]
    fn a_file_is_replaced_whole_or_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper/picture.svg");
        for content in ["long first version", "second"] {
            save(&path, content).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
        }
        // A folder in the way: the file cannot be written, and nothing temporary stays behind.
        let taken = folder.path().join("deeper/taken");
        std::fs::create_dir(&taken).unwrap();
        std::fs::write(taken.join("inside"), "").unwrap();
        assert!(save(&taken, "x").unwrap_err().to_string().contains("taken"));
        assert!(save(&path.join("below a file"), "x").is_err());
        assert_eq!(std::fs::read_dir(folder.path().join("deeper")).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_as_readable_as_any_other() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let [saved, plain] = ["saved", "plain"].map(|name| folder.path().join(name));
        save(&saved, "").unwrap();
        std::fs::write(&plain, "").unwrap();
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&saved), mode(&plain));
    }
}
