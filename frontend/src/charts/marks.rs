//! Line styles and shapes, on canvas and in legends. They repeat what colour says.

use web_sys::CanvasRenderingContext2d;
use yew::{Html, html};

use fourwire_shared::decimal::trimmed;

/// A line style.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dash {
    /// Unbroken.
    #[default]
    Solid,
    /// Long strokes.
    Dashed,
    /// Dots.
    Dotted,
    /// Stroke, dot.
    DashDot,
}

impl Dash {
    /// The style of the series at this place, for charts whose series have no style of their own.
    pub fn nth(index: usize) -> Self {
        [Self::Solid, Self::Dashed, Self::Dotted, Self::DashDot][index % 4]
    }

    fn lengths(self) -> &'static [f64] {
        match self {
            Self::Solid => &[],
            Self::Dashed => &[6.0, 4.0],
            Self::Dotted => &[1.5, 3.5],
            Self::DashDot => &[7.0, 3.0, 1.5, 3.0],
        }
    }

    /// Sets the style for the strokes that follow.
    pub fn apply(self, context: &CanvasRenderingContext2d) {
        let lengths: js_sys::Array =
            self.lengths().iter().map(|length| wasm_bindgen::JsValue::from_f64(*length)).collect();
        // Fails only on negative lengths.
        let _ = context.set_line_dash(&lengths);
    }
}

/// A shape that stands for a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// ●
    Circle,
    /// ◆
    Diamond,
    /// ▲
    Triangle,
    /// ■
    Square,
}

impl Shape {
    /// Adds the shape around a centre to the current path.
    pub fn trace(self, context: &CanvasRenderingContext2d, x: f64, y: f64, r: f64) {
        match self {
            Self::Circle => {
                context.move_to(x + r, y);
                // Fails only on a negative radius.
                let _ = context.arc(x, y, r, 0.0, std::f64::consts::TAU);
            }
            Self::Diamond => {
                polygon(context, &[(x, y - 1.3 * r), (x + 1.3 * r, y), (x, y + 1.3 * r), (x - 1.3 * r, y)])
            }
            Self::Triangle => {
                polygon(context, &[(x, y - 1.2 * r), (x + 1.2 * r, y + r), (x - 1.2 * r, y + r)])
            }
            Self::Square => context.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r),
        }
    }
}

fn polygon(context: &CanvasRenderingContext2d, corners: &[(f64, f64)]) {
    for (index, (x, y)) in corners.iter().enumerate() {
        if index == 0 { context.move_to(*x, *y) } else { context.line_to(*x, *y) }
    }
    context.close_path();
}

/// A short stroke in a line's colour and style, for legends. Presentation attributes, since the policy for content
/// allows no inline styles.
pub fn swatch(token: &'static str, dash: Dash) -> Html {
    let lengths: Vec<String> = dash.lengths().iter().map(|length| trimmed(*length, 1)).collect();
    html! {
        <svg class="swatch" width="22" height="10" viewBox="0 0 22 10" aria-hidden="true">
            <line x1="1" y1="5" x2="21" y2="5" stroke={format!("var({token})")} stroke-width="2.5"
                stroke-dasharray={(!lengths.is_empty()).then(|| lengths.join(" "))} />
        </svg>
    }
}

/// A shape in a token's colour, for legends and lane names.
pub fn badge(token: &'static str, shape: Shape) -> Html {
    let fill = format!("var({token})");
    let drawn = match shape {
        Shape::Circle => html! { <circle cx="7" cy="7" r="5" fill={fill} /> },
        Shape::Diamond => html! { <path d="M7 .8 13.2 7 7 13.2 .8 7z" fill={fill} /> },
        Shape::Triangle => html! { <path d="M7 1.2 13.2 12.4H.8z" fill={fill} /> },
        Shape::Square => html! { <rect x="2" y="2" width="10" height="10" fill={fill} /> },
    };
    html! { <svg class="badge-shape" width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">{drawn}</svg> }
}
