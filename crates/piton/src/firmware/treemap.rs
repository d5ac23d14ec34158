//! Sizes as a picture: a treemap of modules and their functions, as SVG, and as a page with the same numbers in a table.
//!
//! The layout is that of Bruls, Huizing and van Wijk, "Squarified Treemaps" (2000): each rectangle has the area of its bytes.

use std::fmt::Write as _;

use piton_firmware::frozen::ModuleSize;

/// The size of the picture, in SVG's units.
const WIDTH: f64 = 1200.0;
const HEIGHT: f64 = 800.0;

/// Rectangles narrower or lower than this have no text.
const SMALLEST_TEXT: (f64, f64) = (40.0, 14.0);

/// About the width of a letter of 11 units.
const LETTER: f64 = 6.5;

/// Fills of modules, in turn; black text is readable on each.
const COLOURS: [&str; 8] = [
    "#9ecae1", "#fdae6b", "#a1d99b", "#bcbddc", "#fdd0a2", "#c7e9c0", "#c6dbef", "#dadaeb",
];

/// A rectangle of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Area {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

/// Returns the picture: a rectangle for each module, with one for each function and one for the rest in it.
#[must_use]
pub fn svg(sizes: &[ModuleSize]) -> String {
    let mut sorted: Vec<&ModuleSize> = sizes.iter().filter(|size| size.total > 0).collect();
    sorted.sort_by(|one, two| {
        two.total
            .cmp(&one.total)
            .then_with(|| one.name.cmp(&two.name))
    });
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"11\">\n"
    );
    let whole = Area {
        left: 0.0,
        top: 0.0,
        width: WIDTH,
        height: HEIGHT,
    };
    let weights: Vec<usize> = sorted.iter().map(|size| size.total).collect();
    let areas = squarified(&weights, whole);
    for ((module, area), colour) in sorted.iter().zip(areas).zip(COLOURS.iter().cycle()) {
        let title = format!("{}: {} bytes", module.name, module.total);
        rectangle(&mut picture, area, colour, &module.name, &title);
        inside(&mut picture, module, area, colour);
    }
    picture.push_str("</svg>\n");
    picture
}

/// Returns a page with the picture and a table.
#[must_use]
pub fn html(sizes: &[ModuleSize]) -> String {
    let mut sorted: Vec<&ModuleSize> = sizes.iter().collect();
    sorted.sort_by(|one, two| {
        two.total
            .cmp(&one.total)
            .then_with(|| one.name.cmp(&two.name))
    });
    let mut rows = String::new();
    for size in sorted {
        let _ = writeln!(
            rows,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(&size.name),
            size.total,
            size.code,
            size.constants,
            size.strings
        );
    }
    let total: usize = sizes.iter().map(|size| size.total).sum();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Frozen modules: {total} bytes</title>\n<style>body \
         {{ font-family: sans-serif }} td + td {{ text-align: right; padding-left: 2em }}</style></head>\n<body>\n<h1>{total} bytes in {} \
         modules</h1>\n{}<table>\n<tr><th>module</th><th>bytes</th><th>code</th><th>constants</th><th>strings</th></tr>\n{rows}</table>\n\
         </body>\n</html>\n",
        sizes.len(),
        svg(sizes)
    )
}

/// Draws what is in a module, below its name.
fn inside(picture: &mut String, module: &ModuleSize, area: Area, colour: &str) {
    let area = Area {
        left: area.left + 2.0,
        top: area.top + SMALLEST_TEXT.1 + 1.0,
        width: area.width - 4.0,
        height: area.height - SMALLEST_TEXT.1 - 3.0,
    };
    if area.width < SMALLEST_TEXT.0 || area.height < SMALLEST_TEXT.1 {
        return;
    }
    let functions: usize = module.functions.iter().map(|(_, bytes)| bytes).sum();
    let rest = module.total.saturating_sub(functions);
    let mut parts: Vec<(&str, usize)> = module
        .functions
        .iter()
        .map(|(name, bytes)| (name.as_str(), *bytes))
        .chain([("constants and strings", rest)])
        .filter(|(_, bytes)| *bytes > 0)
        .collect();
    parts.sort_by(|one, two| two.1.cmp(&one.1).then_with(|| one.0.cmp(two.0)));
    let weights: Vec<usize> = parts.iter().map(|(_, bytes)| *bytes).collect();
    for ((name, bytes), area) in parts.iter().zip(squarified(&weights, area)) {
        let title = format!("{} {name}: {bytes} bytes", module.name);
        rectangle(picture, area, colour, name, &title);
    }
}

fn rectangle(picture: &mut String, area: Area, colour: &str, text: &str, title: &str) {
    let Area {
        left,
        top,
        width,
        height,
    } = area;
    let _ = write!(
        picture,
        "<g><title>{}</title><rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\" \
         stroke=\"#fff\"/>",
        escaped(title)
    );
    if width >= SMALLEST_TEXT.0 && height >= SMALLEST_TEXT.1 {
        let mut room = width - LETTER;
        let shown: String = text
            .chars()
            .take_while(|_| {
                room -= LETTER;
                room >= 0.0
            })
            .collect();
        let (x, y) = (left + 3.0, top + 11.0);
        let _ = write!(
            picture,
            "<text x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
            escaped(&shown)
        );
    }
    picture.push_str("</g>\n");
}

/// Replaces what has a meaning in XML, and what it does not allow.
fn escaped(text: &str) -> String {
    let mut output = String::new();
    for letter in text.chars() {
        match letter {
            '&' => output.push_str("&amp;"),
            '<' => output.push_str("&lt;"),
            '>' => output.push_str("&gt;"),
            '"' => output.push_str("&quot;"),
            letter if letter.is_control() => output.push('\u{fffd}'),
            letter => output.push(letter),
        }
    }
    output
}

/// Divides an area by weights, which are sorted, the largest first: rows of rectangles that are as square as can be.
#[expect(
    clippy::cast_precision_loss,
    reason = "firmware has less than 2^53 bytes"
)]
fn squarified(weights: &[usize], whole: Area) -> Vec<Area> {
    let total: f64 = weights.iter().map(|weight| *weight as f64).sum();
    let scale = if total > 0.0 {
        whole.width.max(0.0) * whole.height.max(0.0) / total
    } else {
        0.0
    };
    let mut left: Vec<f64> = weights
        .iter()
        .map(|weight| *weight as f64 * scale)
        .collect();
    let mut free = whole;
    let mut areas = Vec::new();
    while !left.is_empty() {
        let side = free.width.min(free.height).max(f64::MIN_POSITIVE);
        let mut count = 1;
        while count < left.len() && worst(&left, count + 1, side) <= worst(&left, count, side) {
            count += 1;
        }
        let row: Vec<f64> = left.drain(..count).collect();
        free = place(&row, free, &mut areas);
    }
    areas
}

/// Returns how far from a square the worst of the first `count` rectangles is, in a row along a side.
fn worst(areas: &[f64], count: usize, side: f64) -> f64 {
    let row = areas.iter().take(count);
    let sum: f64 = row.clone().sum();
    let largest = row.clone().copied().fold(0.0, f64::max);
    let smallest = row.copied().fold(f64::INFINITY, f64::min);
    let (side, sum) = (side * side, sum * sum);
    (side * largest / sum).max(sum / (side * smallest))
}

/// Places a row along the shorter side; returns what is left.
fn place(row: &[f64], free: Area, areas: &mut Vec<Area>) -> Area {
    let sum: f64 = row.iter().sum();
    let is_column = free.width >= free.height;
    let side = if is_column { free.height } else { free.width };
    let depth = if side > 0.0 { sum / side } else { 0.0 };
    let mut at = 0.0;
    for area in row {
        let length = if depth > 0.0 { area / depth } else { 0.0 };
        areas.push(if is_column {
            Area {
                left: free.left,
                top: free.top + at,
                width: depth,
                height: length,
            }
        } else {
            Area {
                left: free.left + at,
                top: free.top,
                width: length,
                height: depth,
            }
        });
        at += length;
    }
    if is_column {
        Area {
            left: free.left + depth,
            width: free.width - depth,
            ..free
        }
    } else {
        Area {
            top: free.top + depth,
            height: free.height - depth,
            ..free
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_those_of_the_weights_and_do_not_overlap() {
        let whole = Area {
            left: 10.0,
            top: 20.0,
            width: 600.0,
            height: 400.0,
        };
        // The example of the paper.
        let weights = [6, 6, 4, 3, 2, 2, 1];
        let areas = squarified(&weights, whole);
        assert_eq!(areas.len(), weights.len());
        for (area, weight) in areas.iter().zip([6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0]) {
            assert!(
                (area.width * area.height - weight * 10_000.0).abs() < 0.01,
                "{area:?}"
            );
            assert!(area.left >= 9.99 && area.left + area.width <= 610.01);
            assert!(area.top >= 19.99 && area.top + area.height <= 420.01);
        }
        for (at, one) in areas.iter().enumerate() {
            for two in areas.iter().skip(at + 1) {
                let apart = one.left + one.width <= two.left + 0.01
                    || two.left + two.width <= one.left + 0.01
                    || one.top + one.height <= two.top + 0.01
                    || two.top + two.height <= one.top + 0.01;
                assert!(apart, "{one:?} {two:?}");
            }
        }
        assert!(squarified(&[], whole).is_empty());
    }

    #[test]
    fn names_cannot_leave_their_place_in_the_picture() {
        let sizes = [ModuleSize {
            name: "<script>\"&\u{1b}".to_owned(),
            total: 100,
            code: 60,
            constants: 20,
            strings: 20,
            functions: vec![("<module>".to_owned(), 60)],
        }];
        for text in [svg(&sizes), html(&sizes)] {
            assert!(
                !text.contains("<script") && !text.contains('\u{1b}'),
                "{text}"
            );
            assert!(
                text.contains("&lt;script&gt;&quot;&amp;\u{fffd}: 100 bytes"),
                "{text}"
            );
            assert!(text.contains("&lt;module&gt;"), "{text}");
        }
    }
}
